package orders

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

// tables are those that a sequence fills. Shards stay, and have no owner.
var tables = []string{"message", "queue", "attempt", "entry", "task", "destination", "audit", "flight", "beat", "session"}

const disowned = "UPDATE amsbridge_shard SET owner = 0"

// OnSQLite is a file of SQLite.
func OnSQLite(ctx context.Context) (*Engine, error) {
	dir, err := os.MkdirTemp("", "amsbridge-orders-*")
	if err != nil {
		return nil, err
	}
	dsn := testdb.SQLiteFile(filepath.Join(dir, "shop.sqlite")) + "&_pragma=synchronous(off)"
	e, err := onSQL(ctx, "sqlite", sqlstore.SQLite, "sqlite", dsn)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	e.Serial = true
	return closing(e, func() error { return os.RemoveAll(dir) }), nil
}

// OnPostgres is PostgreSQL through database/sql.
func OnPostgres(ctx context.Context) (*Engine, error) {
	dsn, drop, err := database(ctx, testdb.PostgreSQL)
	if err != nil {
		return nil, err
	}
	e, err := onSQL(ctx, "postgres", sqlstore.PostgreSQL, "pgx", dsn)
	if err != nil {
		return nil, errors.Join(err, drop())
	}
	return closing(e, drop), nil
}

// OnMariaDB is MariaDB.
func OnMariaDB(ctx context.Context) (*Engine, error) {
	dsn, drop, err := database(ctx, testdb.MariaDB)
	if err != nil {
		return nil, err
	}
	sep := "?"
	if strings.Contains(dsn, "?") {
		sep = "&"
	}
	// Nothing that one process does here may wait for another for long.
	e, err := onSQL(ctx, "mariadb", sqlstore.MySQL, "mysql", dsn+sep+"innodb_lock_wait_timeout=3")
	if err != nil {
		return nil, errors.Join(err, drop())
	}
	return closing(e, drop), nil
}

// OnPgx is PostgreSQL through pgx.
func OnPgx(ctx context.Context) (*Engine, error) {
	dsn, drop, err := database(ctx, testdb.PostgreSQL)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return nil, errors.Join(err, drop())
	}
	if err := pgxstore.Migrate(ctx, pool); err != nil {
		return nil, errors.Join(err, drop())
	}
	e := &Engine{Name: "pgx", Clock: newClock(), Blocks: true, Close: func() error { pool.Close(); return nil }}
	store, err := pgxstore.New(ctx, pgxstore.Config{DB: pool, Now: e.Clock.Now})
	if err != nil {
		return nil, errors.Join(err, e.Close(), drop())
	}
	e.Store = store
	e.Shop = shopOn(store, transactions[pgx.Tx]{
		begin:    func(ctx context.Context) (pgx.Tx, error) { return pool.Begin(ctx) },
		commit:   func(ctx context.Context, tx pgx.Tx) error { return tx.Commit(ctx) },
		rollback: func(ctx context.Context, tx pgx.Tx) { _ = tx.Rollback(ctx) }, // what made it fail is told
		exec: func(ctx context.Context, tx pgx.Tx, text string) error {
			_, err := tx.Exec(ctx, text)
			return err
		},
	})
	e.Reset = func() error {
		e.Clock.reset()
		for _, t := range tables {
			if _, err := pool.Exec(ctx, "DELETE FROM amsbridge_"+t); err != nil {
				return err
			}
		}
		_, err := pool.Exec(ctx, disowned)
		return err
	}
	return closing(e, drop), nil
}

// database makes a database on a server that is found or started.
func database(ctx context.Context, engine testdb.Engine) (dsn string, drop func() error, err error) {
	server, err := testdb.Start(ctx, engine, testdb.Options{Install: true, Log: os.Stderr})
	if err != nil {
		return "", nil, err
	}
	dsn, remove, err := server.Create(ctx)
	if err != nil {
		return "", nil, errors.Join(err, server.Stop())
	}
	return dsn, func() error { return errors.Join(remove(context.WithoutCancel(ctx)), server.Stop()) }, nil
}

func closing(e *Engine, after func() error) *Engine {
	before := e.Close
	e.Close = func() error { return errors.Join(before(), after()) }
	return e
}

func onSQL(ctx context.Context, name string, dialect sqlstore.Dialect, driver, dsn string) (*Engine, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	if err := sqlstore.Migrate(ctx, db, dialect); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	e := &Engine{Name: name, Clock: newClock(), Blocks: true, Close: db.Close}
	store, err := sqlstore.New(ctx, sqlstore.Config{DB: db, Dialect: dialect, Now: e.Clock.Now})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	e.Store = store
	e.Shop = shopOn(store, transactions[*sql.Tx]{
		begin:    func(ctx context.Context) (*sql.Tx, error) { return db.BeginTx(ctx, nil) },
		commit:   func(_ context.Context, tx *sql.Tx) error { return tx.Commit() },
		rollback: func(_ context.Context, tx *sql.Tx) { _ = tx.Rollback() }, // what made it fail is told
		exec: func(ctx context.Context, tx *sql.Tx, text string) error {
			_, err := tx.ExecContext(ctx, text)
			return err
		},
	})
	empty := "DELETE FROM amsbridge_"
	if dialect == sqlstore.MySQL {
		// A deleted row is locked, and the gap before it, by who inserts its like before it is purged.
		empty = "TRUNCATE TABLE amsbridge_"
	}
	e.Reset = func() error {
		e.Clock.reset()
		for _, t := range tables {
			if _, err := db.ExecContext(ctx, empty+t); err != nil {
				return fmt.Errorf("empty %s: %w", t, err)
			}
		}
		_, err := db.ExecContext(ctx, disowned)
		return err
	}
	return e, nil
}
