package main

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
)

// openDatabase opens a PostgreSQL database by its URL, or a SQLite file that is
// there. No error of its own holds the DSN, which may hold a password.
func openDatabase(dsn string) (*sql.DB, sqlstore.Dialect, error) {
	switch {
	case dsn == "":
		return nil, "", errors.New("no database: give -db or AMSBRIDGE_DB")
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		db, err := sql.Open("pgx", dsn)
		return db, sqlstore.PostgreSQL, err
	case strings.Contains(dsn, "://"), strings.Contains(dsn, "="):
		return nil, "", errors.New("-db is neither postgres://… nor a file")
	}
	if _, err := os.Stat(dsn); err != nil {
		return nil, "", errors.New("-db names no file: the shop makes it")
	}
	// _txlock=immediate: the sender waits for a checkout that is under way, rather
	// than fail with "database is locked".
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.ToSlash(dsn)}).EscapedPath()+"?_txlock=immediate&_pragma=busy_timeout(5000)")
	return db, sqlstore.SQLite, err
}
