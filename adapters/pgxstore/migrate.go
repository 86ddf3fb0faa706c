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

// Validate returns [ErrSchema] unless the tables have exactly the versions that this program knows and
// every column that it uses, and the database's encoding can hold any text. A newer schema is refused
// too, since its meaning may differ.
func (s *Store) Validate(ctx context.Context) (err error) {
	handle := stdlib.OpenDBFromPool(s.db)
	defer func() { err = errors.Join(err, handle.Close()) }()
	return s.core.Validate(ctx, handle)
}

// MigrationSQL returns the whole schema as plain SQL, to run with the database's own client.
func MigrationSQL() (string, error) { return sqlcore.Schema(sqlcore.PostgreSQL).SQL() }
