package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/sqlcore"
)

// ErrSchema is returned when the tables are missing or not those that this
// program needs: by [New], by [Store.Validate], and by whatever call meets it
// first. The error says what is wrong and what to run.
var ErrSchema = errors.New("sqlstore: the outbox's tables are not as this program needs them")

// Migrate creates the outbox's tables or brings them up to date, one statement at a time; programs that
// start together wait for each other. On PostgreSQL and SQLite it is one transaction; on MySQL a
// failure leaves what was done, and running it again completes it. The role needs the right to create
// tables; the checkout's role does not. Running it again changes nothing.
func Migrate(ctx context.Context, db *sql.DB, dialect Dialect) error {
	if db == nil {
		return check.Bad("sqlstore", "db", "is nil")
	}
	if err := sqlcore.CheckDialect("sqlstore", "dialect", dialect); err != nil {
		return err
	}
	if _, err := checkHandle(ctx, "db", db, dialect); err != nil {
		return err
	}
	if err := sqlcore.Schema(dialect).Migrate(ctx, db); err != nil {
		return fmt.Errorf("sqlstore: migrate: %w", err)
	}
	return nil
}

// Validate proves that a program which reads can work, as a console or a scrape does, and is for a role that
// may read every table, as an operator's or a migration's. It returns [ErrSchema] unless the tables have
// exactly the versions that this program knows and every column that it uses, and the database's encoding
// can hold any text. A newer schema is refused too, since its meaning may differ.
func (s *Store) Validate(ctx context.Context) error { return s.core.Validate(ctx) }

// ProveWriter proves that a hook can work, with this handle's settings and its role's rights: it inserts an
// entry and a message in one transaction of its own, reads them, and rolls back. The error names what is in
// the way and what to do. The role needs what docs/operations.md grants to a checkout, no more. Call it when a
// program with a hook starts: [New] does the same, but takes a role without rights to write for a reader's.
func (s *Store) ProveWriter(ctx context.Context) error { return s.core.ProveWriter(ctx) }

// MigrationSQL returns the whole schema as plain SQL, to run with the database's own client.
func MigrationSQL(dialect Dialect) (string, error) {
	if err := sqlcore.CheckDialect("sqlstore", "dialect", dialect); err != nil {
		return "", err
	}
	return sqlcore.Schema(dialect).SQL()
}
