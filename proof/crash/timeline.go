package crash

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/shopdb"
)

// timeline says what became of a message since the last fault, in milliseconds
// from it: each entry of its log.
func (e *env) timeline(ctx context.Context, id int64, took time.Duration) (string, error) {
	since := func(t time.Time) int64 { return t.Sub(e.held.at).Milliseconds() }
	var out strings.Builder
	fmt.Fprintf(&out, "%d ms, %d in flight; message %d", took.Milliseconds(), len(e.held.rows), id)
	query := fmt.Sprintf("SELECT at, took_us, outcome, sender FROM amsbridge_attempt WHERE message_id = %d AND at > %d ORDER BY n",
		id, e.held.at.UnixMicro())
	err := shopdb.EachRow(ctx, e.shop.DB, query, func(rows *sql.Rows) error {
		var at, took int64
		var outcome outbox.Outcome
		var by string
		if err := rows.Scan(&at, &took, &outcome, &by); err != nil {
			return err
		}
		fmt.Fprintf(&out, "; %q by %s logged at %d, having taken %d", outcome, by, since(time.UnixMicro(at)), took/1000)
		return nil
	})
	return out.String(), err
}
