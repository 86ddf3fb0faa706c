package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/amsbridge/amsbridge/adapters/internal/sqlmigrate"
	"github.com/amsbridge/amsbridge/outbox/migrations"
)

// ErrSchema is returned by [Validate] when the tables are not those that this
// program needs; the error says in what.
var ErrSchema = errors.New("sqlstore: the outbox's tables are not as this program needs them")

// schema is the outbox's migration set.
func schema(d Dialect) sqlmigrate.Set {
	return sqlmigrate.Set{Files: migrations.Files, Folder: string(d), Dialect: string(d), Versions: "amsbridge_migration"}
}

// Migrate makes or brings up to date the outbox's tables, in one transaction,
// one statement at a time; programs that start together wait for each other.
// The role needs the right to create tables; the checkout's need not have it.
// Doing it again changes nothing.
func Migrate(ctx context.Context, db *sql.DB, dialect Dialect) error {
	if _, err := New(ctx, Config{DB: db, Dialect: dialect}); err != nil {
		return err
	}
	if err := schema(dialect).Migrate(ctx, db); err != nil {
		return fmt.Errorf("sqlstore: migrate: %w", err)
	}
	return nil
}

// Validate returns [ErrSchema] unless the tables are exactly of the versions
// that this program knows, every column that it uses is there, and the
// database's encoding can hold any text. A newer schema is refused too: it may
// mean something else.
func (s *Store) Validate(ctx context.Context) error {
	problem, err := schema(s.d.name).Problem(ctx, s.db)
	if err != nil {
		return fmt.Errorf("sqlstore: validate: %w", err)
	}
	if problem != "" {
		return fmt.Errorf("%w: %s", ErrSchema, problem)
	}
	if s.d.encoding != "" {
		var encoding string
		if err := s.db.QueryRowContext(ctx, s.d.encoding).Scan(&encoding); err != nil {
			return fmt.Errorf("sqlstore: validate: %w", err)
		}
		if encoding != "UTF8" && encoding != "SQL_ASCII" {
			return fmt.Errorf("%w: the database's encoding is %s, which cannot hold every name: it must be UTF8", ErrSchema, encoding)
		}
	}
	for _, table := range tables {
		none := func(*sql.Rows) error { return nil }
		if err := each(ctx, s.db, none, "SELECT "+table.columns+" FROM "+table.name+" WHERE 1 = 0"); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrSchema, table.name, err)
		}
	}
	return nil
}

// tables are the columns that statements use.
var tables = []struct{ name, columns string }{
	{"amsbridge_message", "id, lane, destination, key, key_parts, kind, version, person, subject, items, facts, fingerprint, after_key, trace_context, created_at"},
	{"amsbridge_queue", "lane, id, destination, state, due_at, attempts, lost, doubt, entries, token, lease_until, not_ready_since, after_key, waits, reason, profile"},
	{"amsbridge_attempt", "message_id, n, at, took_us, outcome, state, duplicate, code, reason, detail, receipt, sender"},
	{"amsbridge_destination", "name, pausing, reason, probe_at, held_until"},
	{"amsbridge_audit", "id, at, actor, role, verb, reason, message_id, key, was, destination"},
}

// MigrationSQL returns the whole schema as plain SQL, for those who run it with
// the database's own client.
func MigrationSQL(dialect Dialect) (string, error) {
	if _, err := dialectOf(dialect); err != nil {
		return "", err
	}
	return schema(dialect).SQL()
}
