package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
)

// database is the shop's own.
type database struct {
	*sql.DB
	dialect sqlstore.Dialect
	// where it is, for people to read, without credentials.
	where string
	// folder is deleted on closing; empty for none.
	folder string
}

// openDatabase opens a PostgreSQL database by its URL, or a SQLite file by its
// path; a new file in the temporary folder where dsn is empty. It makes the
// shop's tables.
func openDatabase(ctx context.Context, dsn string) (*database, error) {
	db, err := connect(dsn)
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		if _, err := db.ExecContext(ctx, table); err != nil {
			return nil, errors.Join(fmt.Errorf("make the shop's tables: %w", err), db.close())
		}
	}
	return db, nil
}

// tables are the shop's own. amsbridge never looks at them.
var tables = []string{
	`CREATE TABLE IF NOT EXISTS shop_order (id TEXT PRIMARY KEY, member TEXT NOT NULL, placed_at BIGINT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS shop_order_line (order_id TEXT NOT NULL REFERENCES shop_order (id), line_id TEXT NOT NULL,
		product TEXT NOT NULL, PRIMARY KEY (order_id, line_id))`,
	`CREATE INDEX IF NOT EXISTS shop_order_by_member ON shop_order (member, placed_at)`,
}

func connect(dsn string) (*database, error) {
	if isPostgres(dsn) {
		db, err := sql.Open("pgx", dsn)
		return &database{DB: db, dialect: sqlstore.PostgreSQL, where: "PostgreSQL"}, err
	}
	if strings.Contains(dsn, "://") || strings.Contains(dsn, "=") {
		return nil, errors.New("-db is neither postgres://… nor a file")
	}
	d := &database{dialect: sqlstore.SQLite, where: dsn}
	if dsn == "" {
		var err error
		if d.folder, err = os.MkdirTemp("", "amsbridge-store-"); err != nil {
			return nil, err
		}
		d.where = filepath.Join(d.folder, "shop.sqlite")
	}
	var err error
	// _txlock=immediate: of two checkouts at once the second waits, rather than
	// fail with "database is locked".
	d.DB, err = sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.ToSlash(d.where)}).EscapedPath()+
		"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	return d, err
}

func (d *database) close() error {
	err := d.Close()
	if d.folder != "" {
		err = errors.Join(err, os.RemoveAll(d.folder))
	}
	return err
}

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// ownSchema makes a PostgreSQL schema of a random name. It returns the URL of
// the same database with nothing but that schema in its search path, and what
// drops it.
func ownSchema(ctx context.Context, dsn string) (own string, drop func(context.Context) error, err error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", nil, errors.New("-db is not a URL") // the cause would print the password
	}
	name := "amsbridge_demo_" + strings.ToLower(rand.Text()[:10])
	execute := func(ctx context.Context, statement string) error {
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, statement)
		return errors.Join(err, db.Close())
	}
	if err := execute(ctx, "CREATE SCHEMA "+name); err != nil {
		return "", nil, fmt.Errorf("make a schema: %w", err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String(), func(ctx context.Context) error { return execute(ctx, "DROP SCHEMA "+name+" CASCADE") }, nil
}
