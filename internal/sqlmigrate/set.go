// Package sqlmigrate brings a set of tables up to date. A set is a folder of plain SQL files for each
// database, and a table of the applied versions. Several sets may share one database.
//
// Every statement of a file ends with a semicolon at the end of a line, and has no other semicolon at
// the end of a line. Each file ends by recording its version. A MySQL file must allow being run again
// from its start, since a failure half-way leaves what was done.
package sqlmigrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Set is a set of tables in one dialect.
type Set struct {
	// Files holds NNNN_name.sql in Folder.
	Files  fs.FS
	Folder string
	// Dialect is "postgres", "mysql" or "sqlite".
	Dialect string
	// Versions is the table of applied versions; it has a column version.
	Versions string
}

// file is the file of one version.
type file struct {
	version int
	name    string
	text    string
}

// files returns the dialect's files in the order of their versions.
func (s Set) files() ([]file, error) {
	names, err := fs.Glob(s.Files, path.Join(s.Folder, "*.sql"))
	if err != nil {
		return nil, err
	}
	var out []file
	for _, name := range names {
		text, err := fs.ReadFile(s.Files, name)
		if err != nil {
			return nil, err
		}
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", name, err)
		}
		out = append(out, file{version, name, string(text)})
	}
	return out, nil
}

// SQL returns all files as one script.
func (s Set) SQL() (string, error) {
	all, err := s.files()
	var text strings.Builder
	for _, f := range all {
		text.WriteString(f.text)
	}
	return text.String(), err
}

// Migrate applies the files that the database has not seen, one statement at a time, while other
// programs that do the same wait. On PostgreSQL and SQLite all of it takes effect or nothing. It uses
// one connection.
func (s Set) Migrate(ctx context.Context, db *sql.DB) error {
	all, err := s.files()
	if err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // everything has succeeded or failed by then
	return s.locked(ctx, conn, func() error {
		done, err := s.applied(ctx, conn)
		if err != nil {
			return err
		}
		for _, f := range all {
			if done[f.version] {
				continue
			}
			if err := f.apply(ctx, conn); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
		return nil
	})
}

func (f file) apply(ctx context.Context, conn *sql.Conn) error {
	for statement := range strings.SplitSeq(f.text, ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// Problem says what is wrong with the versions that the database has: see [Set.Compare].
func (s Set) Problem(ctx context.Context, db *sql.DB) (problem string, err error) {
	done, err := s.applied(ctx, db)
	if err != nil {
		return "", err
	}
	return s.Compare(done)
}

// Compare says what is wrong with the versions that were applied: one is missing, or unknown. It is empty
// when they are exactly those of the files.
func (s Set) Compare(done map[int]bool) (problem string, err error) {
	all, err := s.files()
	if err != nil {
		return "", err
	}
	for _, f := range all {
		if !done[f.version] {
			return fmt.Sprintf("version %d is missing: run Migrate or %s", f.version, f.name), nil
		}
	}
	if len(done) > len(all) {
		return fmt.Sprintf("it has %d versions, this program knows %d", len(done), len(all)), nil
	}
	return "", nil
}

// querier is what a connection and a pool have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// applied returns the recorded versions; none when there is no table yet.
func (s Set) applied(ctx context.Context, q querier) (_ map[int]bool, err error) {
	there, ok := hasTable[s.Dialect]
	if !ok {
		return nil, fmt.Errorf("%q is no dialect", s.Dialect)
	}
	var tables int
	if err := q.QueryRowContext(ctx, fmt.Sprintf(there, s.Versions)).Scan(&tables); err != nil || tables == 0 {
		return nil, err
	}
	rows, err := q.QueryContext(ctx, "SELECT version FROM "+s.Versions)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	done := map[int]bool{}
	for rows.Next() {
		var version int
		if err := rows.Scan(&version); err != nil {
			return nil, err
		}
		done[version] = true
	}
	return done, rows.Err()
}

// hasTable are queries that count the tables of a name in the schema that an unqualified name refers
// to.
var hasTable = map[string]string{
	"postgres": "SELECT count(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('%s')",
	"mysql":    "SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '%s'",
	"sqlite":   "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '%s'",
}
