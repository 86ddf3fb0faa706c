package bench

import (
	"context"
	"database/sql"
	"sync/atomic"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
)

// connections is how large a pool of a database server is.
const connections = 16

// sqlShop is an Outbox on database/sql.
type sqlShop struct {
	shop[*sql.Tx]
	db *sql.DB
	// version is a query.
	version string
}

func (s *sqlShop) Version(ctx context.Context) (v string, err error) {
	err = s.db.QueryRowContext(ctx, s.version).Scan(&v)
	return v, err
}

func (s *sqlShop) Exec(ctx context.Context, statement string) error {
	_, err := s.db.ExecContext(ctx, statement)
	return err
}

func (s *sqlShop) Number(ctx context.Context, query string) (n int64, err error) {
	err = s.db.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

func (s *sqlShop) Close() error { return s.db.Close() }

// openSQL opens a shop on a handle, which it closes if that fails. insert is the
// statement of an order's row.
func openSQL(ctx context.Context, db *sql.DB, pool int, dialect sqlstore.Dialect, insert string, fresh bool) (_ *sqlShop, err error) {
	db.SetMaxOpenConns(pool)
	db.SetMaxIdleConns(pool)
	defer func() {
		if err != nil {
			_ = db.Close()
		}
	}()
	if fresh {
		if err := sqlstore.Migrate(ctx, db, dialect); err != nil {
			return nil, err
		}
		if _, err := db.ExecContext(ctx, ordersTable); err != nil {
			return nil, err
		}
	}
	stored, err := sqlstore.New(ctx, sqlstore.Config{DB: db, Dialect: dialect})
	if err != nil {
		return nil, err
	}
	base, err := newShop[*sql.Tx](stored)
	if err != nil {
		return nil, err
	}
	s := &sqlShop{shop: base, db: db}
	s.inTx = func(ctx context.Context, committed func(), fn func(*sql.Tx) error) error {
		return sqlstore.InTx(ctx, db, committed, fn)
	}
	s.row = func(ctx context.Context, tx *sql.Tx, id, buyer string, total int) error {
		_, err := tx.ExecContext(ctx, insert, id, buyer, total)
		return err
	}
	return s, nil
}

// insertNumbered and insertMarked are the same in either way to write parameters.
const (
	insertNumbered = "INSERT INTO shop_order (id, buyer, total) VALUES ($1, $2, $3)"
	insertMarked   = "INSERT INTO shop_order (id, buyer, total) VALUES (?, ?, ?)"
)

// openPostgres goes through pgx's driver for database/sql.
func openPostgres(ctx context.Context, dsn string, fresh bool) (Outbox, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	trips := &atomic.Int64{}
	cfg.DialFunc = counting(trips)
	s, err := openSQL(ctx, stdlib.OpenDB(*cfg), connections, sqlstore.PostgreSQL, insertNumbered, fresh)
	if err != nil {
		return nil, err
	}
	s.trips, s.version = trips, "SELECT 'PostgreSQL ' || current_setting('server_version') || ' through pgx and database/sql'"
	return s, nil
}

// openMariaDB goes through go-sql-driver with its default settings.
func openMariaDB(ctx context.Context, dsn string, fresh bool) (Outbox, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	trips := &atomic.Int64{}
	cfg.DialFunc = counting(trips)
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	s, err := openSQL(ctx, sql.OpenDB(connector), connections, sqlstore.MySQL, insertMarked, fresh)
	if err != nil {
		return nil, err
	}
	s.trips, s.version = trips, "SELECT CONCAT('MariaDB ', VERSION(), ', innodb_flush_log_at_trx_commit = ', "+
		"@@innodb_flush_log_at_trx_commit, ', through go-sql-driver/mysql')"
	return s, nil
}

// openSQLite uses one connection, as one writes at a time anyway.
func openSQLite(ctx context.Context, dsn string, fresh bool) (Outbox, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	s, err := openSQL(ctx, db, 1, sqlstore.SQLite, insertMarked, fresh)
	if err != nil {
		return nil, err
	}
	s.version = "SELECT 'SQLite ' || sqlite_version() || ' through modernc.org/sqlite'"
	return s, nil
}
