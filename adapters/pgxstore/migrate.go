package pgxstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/sqlcore"
)

// ErrSchema is returned when the tables are missing or not those that this program needs: by [New], by
// [Store.Validate], and by whatever call meets it first. The error says what is wrong and what to run.
var ErrSchema = errors.New("pgxstore: the outbox's tables are not as this program needs them")

// Migrate creates the outbox's tables or brings them up to date, in one transaction, one statement at a
// time; programs that start together wait for each other. The role needs the right to create tables;
// the checkout's role does not. Running it again changes nothing.
func Migrate(ctx context.Context, db *pgxpool.Pool) (err error) {
	if db == nil {
		return check.Bad("pgxstore", "db", "is nil")
	}
	handle := stdlib.OpenDBFromPool(db)
	defer func() { err = errors.Join(err, handle.Close()) }()
	if err := sqlcore.Schema(sqlcore.PostgreSQL).Migrate(ctx, handle); err != nil {
		return fmt.Errorf("pgxstore: migrate: %w", err)
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
func MigrationSQL() (string, error) { return sqlcore.Schema(sqlcore.PostgreSQL).SQL() }
