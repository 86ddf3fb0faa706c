package sqlcore

import (
	"context"
	"fmt"
	"strings"
)

// grant is a right on a table, or on columns of it.
type grant struct{ privilege, table, columns string }

// writerGrants are the rights of a hook's role.
var writerGrants = []grant{
	{"SELECT", "amsbridge_entry", ""},
	{"INSERT", "amsbridge_entry", ""},
	{"SELECT", "amsbridge_message", ""},
	{"INSERT", "amsbridge_message", ""},
	{"SELECT", "amsbridge_queue", ""},
	{"INSERT", "amsbridge_queue", ""},
	{"SELECT", "amsbridge_attempt", "message_id, n, at, outcome, state, doubt, seq, reason, receipt"},
}

// missingGrants names the rights that the role lacks, all of them at once, on PostgreSQL: its own errors name
// the table and not the right. MariaDB's name both.
func (s *Store) missingGrants(ctx context.Context, grants []grant) error {
	if s.d.folder != PostgreSQL {
		return nil
	}
	var missing []string
	for _, g := range grants {
		ask, what := fmt.Sprintf("SELECT has_table_privilege('%s', '%s')", g.table, g.privilege), g.privilege
		if g.columns != "" {
			var each []string
			for column := range strings.SplitSeq(g.columns, ", ") {
				each = append(each, fmt.Sprintf("has_column_privilege('%s', '%s', '%s')", g.table, column, g.privilege))
			}
			ask, what = "SELECT "+strings.Join(each, " AND "), g.privilege+" ("+g.columns+")"
		}
		var has bool
		if _, err := one(ctx, s.db, []any{&has}, ask); err != nil {
			return err
		}
		if !has {
			missing = append(missing, what+" ON "+g.table)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("the role lacks rights (docs/operations.md has the grants of each role): %s", strings.Join(missing, "; "))
}
