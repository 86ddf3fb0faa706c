package sqlcore

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// leastPacket is the smallest limit of a statement on MySQL that is enough for ours.
const leastPacket = 2 * maxStatement

// environment names settings of driver, session and server that no program of ours can work with. Every role
// may ask.
func (s *Store) environment(ctx context.Context) error {
	if s.d.folder == MySQL {
		return s.mysqlEnvironment(ctx)
	}
	var isNull bool
	_, err := one(ctx, s.db, []any{&isNull}, s.d.render("SELECT CAST(?1 AS {bytes}) IS NULL"), []byte(nil))
	if err == nil && !isNull {
		err = errors.New("the driver stores missing bytes as empty ones: lib/pq does so up to 1.10.9, use a later version")
	}
	return err
}

func (s *Store) mysqlEnvironment(ctx context.Context) error {
	var autocommit, safe, packet int64
	_, err := one(ctx, s.db, []any{&autocommit, &safe, &packet}, "SELECT @@autocommit, @@sql_safe_updates, @@max_allowed_packet")
	switch {
	case err != nil:
		return err
	case autocommit == 0:
		return errors.New("autocommit is 0: what is written outside a transaction would never be committed; " +
			"take it out of the DSN, or set it to 1 there")
	case safe != 0:
		return errors.New("sql_safe_updates is 1: the server refuses statements of senders and operators; set it to 0 in the DSN")
	case packet < leastPacket:
		return fmt.Errorf("max_allowed_packet is %d: larger orders could not be stored; set it to %d at least, on the server",
			packet, leastPacket)
	}
	return nil
}

// look returns the store's error of the schema where there are no tables, and says where they are if they are
// elsewhere. Every role may ask.
func (s *Store) look(ctx context.Context) error {
	err := each(ctx, s.db, func(Rows) error { return nil }, "SELECT id FROM amsbridge_message WHERE 1 = 0")
	if err == nil || !s.d.noTable(err) {
		return s.failed("look for the tables", explained(err))
	}
	var elsewhere []string
	if ask := elsewhereText[s.d.folder]; ask != "" {
		lookErr := each(ctx, s.db, func(r Rows) error {
			var schema text
			err := r.Scan(&schema)
			elsewhere = append(elsewhere, string(schema))
			return err
		}, ask)
		if lookErr != nil {
			return s.failed("look for the tables elsewhere", lookErr)
		}
	}
	if len(elsewhere) == 0 {
		return s.failed("look for the tables", err)
	}
	return fmt.Errorf("%w: they are in %s, where a statement that names no schema does not look: set search_path, "+
		"or the DSN's database, and see that the role may use it: %w", s.errSchema, strings.Join(elsewhere, ", "), err)
}

// elsewhereText finds the schemas that have the table of messages.
var elsewhereText = map[Dialect]string{
	PostgreSQL: `SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relname = 'amsbridge_message' AND c.relkind IN ('r', 'p') ORDER BY 1`,
	MySQL: `SELECT table_schema FROM information_schema.tables WHERE table_name = 'amsbridge_message' ORDER BY 1`,
}
