package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge/outbox/migrations"
)

// ErrSchema is returned by [Validate] when the tables are not those that this
// program needs; the error says in what.
var ErrSchema = errors.New("sqlstore: the outbox's tables are not as this program needs them")

// migration is one file of the schema.
type migration struct {
	version int
	name    string
	text    string
}

// migrationsOf returns the files of a dialect in the order of their versions.
func migrationsOf(d Dialect) ([]migration, error) {
	files, err := fs.Glob(migrations.Files, string(d)+"/*.sql")
	if err != nil {
		return nil, err
	}
	var out []migration
	for _, file := range files {
		text, err := migrations.Files.ReadFile(file)
		if err != nil {
			return nil, err
		}
		number, _, _ := strings.Cut(path.Base(file), "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return nil, fmt.Errorf("sqlstore: migration %s: %w", file, err)
		}
		out = append(out, migration{version, file, string(text)})
	}
	return out, nil
}

// statements splits a file at semicolons that end a line.
func (m migration) statements() []string {
	var out []string
	for text := range strings.SplitSeq(m.text, ";\n") {
		if strings.TrimSpace(text) != "" {
			out = append(out, text)
		}
	}
	return out
}

// Migrate makes or brings up to date the outbox's tables, in one transaction,
// one statement at a time; programs that start together wait for each other.
// The role needs the right to create tables; the checkout's need not have it.
// Doing it again changes nothing.
func Migrate(ctx context.Context, db *sql.DB, dialect Dialect) error {
	s, err := New(ctx, Config{DB: db, Dialect: dialect})
	if err != nil {
		return err
	}
	all, err := migrationsOf(dialect)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(q querier) error {
		if s.d.claimLock != "" {
			if _, err := q.ExecContext(ctx, s.d.claimLock); err != nil {
				return fmt.Errorf("sqlstore: migrate: %w", err)
			}
		}
		done, err := s.applied(ctx, q)
		if err != nil {
			return fmt.Errorf("sqlstore: migrate: %w", err)
		}
		for _, m := range all {
			if done[m.version] {
				continue
			}
			for _, statement := range m.statements() {
				if _, err := q.ExecContext(ctx, statement); err != nil {
					return fmt.Errorf("sqlstore: migrate: %s: %w", m.name, err)
				}
			}
		}
		return nil
	})
}

// applied returns the versions recorded; none when there is no table yet.
func (s *Store) applied(ctx context.Context, q querier) (map[int]bool, error) {
	var there int
	if err := q.QueryRowContext(ctx, s.d.hasMigrations).Scan(&there); err != nil || there == 0 {
		return nil, err
	}
	done := map[int]bool{}
	err := each(ctx, q, func(r *sql.Rows) error {
		var version int
		err := r.Scan(&version)
		done[version] = true
		return err
	}, "SELECT version FROM amsbridge_migration")
	return done, err
}

// Validate returns [ErrSchema] unless the tables are exactly of the versions
// that this program knows, every column that it uses is there, and the
// database's encoding can hold any text. A newer schema is refused too: it may
// mean something else.
func (s *Store) Validate(ctx context.Context) error {
	all, err := migrationsOf(s.d.name)
	if err != nil {
		return err
	}
	done, err := s.applied(ctx, s.db)
	if err != nil {
		return fmt.Errorf("sqlstore: validate: %w", err)
	}
	for _, m := range all {
		if !done[m.version] {
			return fmt.Errorf("%w: version %d is missing: run Migrate or %s", ErrSchema, m.version, m.name)
		}
	}
	if len(done) > len(all) {
		return fmt.Errorf("%w: it has %d versions, this program knows %d", ErrSchema, len(done), len(all))
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
	all, err := migrationsOf(dialect)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, m := range all {
		text.WriteString(m.text)
	}
	return text.String(), nil
}
