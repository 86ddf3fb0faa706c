package shop

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

// Database is the shop's own.
type Database struct {
	*sql.DB
	Dialect sqlstore.Dialect
	// Where it is, for people to read, without credentials.
	Where string
	// folder is deleted on closing; empty for none.
	folder string
}

// OpenDatabase opens a PostgreSQL database by its URL, or a SQLite file by its
// path; a new file in the temporary folder where dsn is empty. It makes the
// shop's tables.
func OpenDatabase(ctx context.Context, dsn string) (*Database, error) {
	db, err := connect(dsn)
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		if _, err := db.ExecContext(ctx, table); err != nil {
			return nil, errors.Join(fmt.Errorf("make the shop's tables: %w", err), db.Close())
		}
	}
	return db, nil
}

// tables are the shop's own. amsbridge never looks at them.
var tables = []string{
	`CREATE TABLE IF NOT EXISTS shop_order (id TEXT PRIMARY KEY, member TEXT NOT NULL, placed_at BIGINT NOT NULL,
		version BIGINT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS shop_order_line (order_id TEXT NOT NULL REFERENCES shop_order (id), line_id TEXT NOT NULL,
		product TEXT NOT NULL, PRIMARY KEY (order_id, line_id))`,
	`CREATE TABLE IF NOT EXISTS shop_seat (order_id TEXT NOT NULL, line_id TEXT NOT NULL, seat INTEGER NOT NULL,
		learner TEXT NOT NULL, PRIMARY KEY (order_id, line_id, seat))`,
	`CREATE TABLE IF NOT EXISTS shop_refund (id TEXT PRIMARY KEY, order_id TEXT NOT NULL, line_id TEXT NOT NULL,
		undone INTEGER NOT NULL)`,
	`CREATE INDEX IF NOT EXISTS shop_refund_by_line ON shop_refund (order_id, line_id)`,
	`CREATE INDEX IF NOT EXISTS shop_order_by_member ON shop_order (member, placed_at)`,
	`CREATE INDEX IF NOT EXISTS shop_seat_by_learner ON shop_seat (learner)`,
	`CREATE TABLE IF NOT EXISTS shop_mail (key TEXT PRIMARY KEY, member TEXT NOT NULL, order_id TEXT NOT NULL,
		line_id TEXT NOT NULL, platform TEXT NOT NULL, page TEXT NOT NULL, sent_at BIGINT NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS shop_sign_in (at BIGINT NOT NULL, action TEXT NOT NULL, kind TEXT NOT NULL, platform TEXT NOT NULL,
		member TEXT NOT NULL, token_id TEXT NOT NULL, reason TEXT NOT NULL)`,
}

func connect(dsn string) (*Database, error) {
	if IsPostgres(dsn) {
		db, err := sql.Open("pgx", dsn)
		return &Database{DB: db, Dialect: sqlstore.PostgreSQL, Where: "PostgreSQL"}, err
	}
	if strings.Contains(dsn, "://") || strings.Contains(dsn, "=") {
		return nil, errors.New("-db is neither postgres://… nor a file")
	}
	d := &Database{Dialect: sqlstore.SQLite, Where: dsn}
	if dsn == "" {
		var err error
		if d.folder, err = os.MkdirTemp("", "amsbridge-store-"); err != nil {
			return nil, err
		}
		d.Where = filepath.Join(d.folder, "shop.sqlite")
	}
	var err error
	// _txlock=immediate: of two checkouts at once the second waits, rather than
	// fail with "database is locked".
	d.DB, err = sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.ToSlash(d.Where)}).EscapedPath()+
		"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	return d, err
}

// Close closes the database, and deletes a file that OpenDatabase made.
func (d *Database) Close() error {
	err := d.DB.Close()
	if d.folder != "" {
		err = errors.Join(err, os.RemoveAll(d.folder))
	}
	return err
}

// IsPostgres tells whether it is the URL of a PostgreSQL database.
func IsPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// OwnSchema makes a PostgreSQL schema of a random name. It returns the URL of
// the same database with nothing but that schema in its search path, and what
// drops it.
func OwnSchema(ctx context.Context, dsn string) (own string, drop func(context.Context) error, err error) {
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
