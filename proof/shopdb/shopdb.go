// Package shopdb holds what the shops of packages chaos and crash have in
// common: a database of their own, SQLite's or PostgreSQL's, for as long as a
// run takes.
package shopdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

// With calls use with the DSN of an empty database, and removes the database
// afterwards, whatever became of ctx. PostgreSQL is installed and started where
// it is missing (testdb.Start). The error holds that of use.
func With(ctx context.Context, dialect sqlstore.Dialect, use func(dsn string) error) (err error) {
	switch dialect {
	case sqlstore.SQLite:
		dir, err := os.MkdirTemp("", "amsbridge-shop-*")
		if err != nil {
			return err
		}
		err = use(testdb.SQLiteFile(filepath.Join(dir, "shop.sqlite")))
		return errors.Join(err, os.RemoveAll(dir))
	case sqlstore.PostgreSQL:
		server, err := testdb.Start(ctx, testdb.PostgreSQL, testdb.Options{Install: true, Log: os.Stderr})
		if err != nil {
			return err
		}
		dsn, drop, err := server.Create(ctx)
		if err != nil {
			return errors.Join(err, server.Stop())
		}
		err = use(dsn)
		return errors.Join(err, drop(context.WithoutCancel(ctx)), server.Stop())
	}
	return fmt.Errorf("%q is neither sqlite nor postgres", dialect)
}

// EachDialect runs a test on a fresh database of each dialect.
func EachDialect(t *testing.T, test func(t *testing.T, dialect sqlstore.Dialect, dsn string)) {
	t.Helper()
	for dialect, dsn := range map[sqlstore.Dialect]func(testing.TB) string{
		sqlstore.SQLite: testdb.SQLite, sqlstore.PostgreSQL: testdb.Postgres,
	} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			test(t, dialect, dsn(t))
		})
	}
}

// Open opens a database with that many connections.
func Open(dialect sqlstore.Dialect, dsn string, conns int) (*sql.DB, error) {
	driver, ok := map[sqlstore.Dialect]string{sqlstore.PostgreSQL: "pgx", sqlstore.SQLite: "sqlite"}[dialect]
	if !ok {
		return nil, fmt.Errorf("no driver for %q", dialect)
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// EachRow calls scan with the rows of an answer, one after the other.
func EachRow(ctx context.Context, db *sql.DB, query string, scan func(*sql.Rows) error) (err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
