package crash

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

// engine is a database and a library that speaks to it.
type engine struct {
	name string
	// server is what is crashed. Empty for a database without one.
	server testdb.Engine
	// driver is the one through which the parent reads the database.
	driver string
	// migrate makes the outbox's tables.
	migrate func(ctx context.Context, db *sql.DB) error
	// work is what a child does.
	work func(ctx context.Context, in instructions) error
}

var engines = []engine{
	onSQL("sqlite", "", "sqlite", sqlstore.SQLite, insertOrder("?", "?")),
	onSQL("postgres", testdb.PostgreSQL, "pgx", sqlstore.PostgreSQL, insertOrder("$1", "$2")),
	onPgx("pgx"),
	onSQL("mariadb", testdb.MariaDB, "mysql", sqlstore.MySQL, insertOrder("?", "?")),
}

// onSQL is an engine that a shop uses through database/sql.
func onSQL(name string, server testdb.Engine, driver string, dialect sqlstore.Dialect, insert string) engine {
	e := engine{name: name, server: server, driver: driver}
	e.migrate = func(ctx context.Context, db *sql.DB) error { return sqlstore.Migrate(ctx, db, dialect) }
	e.work = func(ctx context.Context, in instructions) error {
		db, err := open(driver, in.DSN)
		if err != nil {
			return err
		}
		store, err := sqlstore.New(ctx, sqlstore.Config{DB: db, Dialect: dialect})
		if err != nil {
			return errors.Join(err, db.Close())
		}
		err = work(ctx, in, shop[*sql.Tx]{
			store: store,
			inTx: func(ctx context.Context, wake func(), fn func(*sql.Tx) error) error {
				return sqlstore.InTx(ctx, db, wake, fn)
			},
			insert: func(ctx context.Context, tx *sql.Tx, id, pushes string) error {
				_, err := tx.ExecContext(ctx, insert, id, pushes)
				return err
			},
		})
		return errors.Join(err, db.Close())
	}
	return e
}

// onPgx is PostgreSQL as a shop uses it through pgx itself.
func onPgx(name string) engine {
	return engine{
		name: name, server: testdb.PostgreSQL, driver: "pgx",
		migrate: func(ctx context.Context, db *sql.DB) error { return sqlstore.Migrate(ctx, db, sqlstore.PostgreSQL) },
		work: func(ctx context.Context, in instructions) error {
			pool, err := pgxpool.New(ctx, in.DSN+"&pool_max_conns="+strconv.Itoa(conns))
			if err != nil {
				return err
			}
			defer pool.Close()
			store, err := pgxstore.New(ctx, pgxstore.Config{DB: pool})
			if err != nil {
				return err
			}
			return work(ctx, in, shop[pgx.Tx]{
				store: store,
				inTx: func(ctx context.Context, wake func(), fn func(pgx.Tx) error) error {
					return pgxstore.InTx(ctx, pool, wake, fn)
				},
				insert: func(ctx context.Context, tx pgx.Tx, id, pushes string) error {
					_, err := tx.Exec(ctx, insertOrder("$1", "$2"), id, pushes)
					return err
				},
			})
		},
	}
}

func insertOrder(id, pushes string) string {
	return "INSERT INTO shop_order (id, pushes) VALUES (" + id + ", " + pushes + ")"
}

// conns is how many connections a process of the shop has.
const conns = 10

func open(driver, dsn string) (*sql.DB, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// Engines are the names that [With] knows.
func Engines() []string {
	var names []string
	for _, e := range engines {
		names = append(names, e.name)
	}
	return names
}

func engineOf(name string) (engine, error) {
	for _, e := range engines {
		if e.name == name {
			return e, nil
		}
	}
	return engine{}, fmt.Errorf("crash: %q is none of %s", name, strings.Join(Engines(), ", "))
}

// Database is an empty one that a run may fill and crash.
type Database struct {
	engine engine
	dsn    string
	server *testdb.Server
}

// through returns the DSN of a relay to the database's server, and the relay; none where there is no server.
func (d Database) through(ctx context.Context) (dsn string, r *relay, err error) {
	switch d.engine.server {
	case testdb.PostgreSQL:
		u, err := url.Parse(d.dsn)
		if err != nil {
			return "", nil, err
		}
		if r, err = startRelay(ctx, u.Host); err != nil {
			return "", nil, err
		}
		u.Host = r.address()
		query := u.Query()
		query.Set("connect_timeout", "2") // see docs/operations.md
		u.RawQuery = query.Encode()
		return u.String(), r, nil
	case testdb.MariaDB:
		cfg, err := mysql.ParseDSN(d.dsn)
		if err != nil {
			return "", nil, err
		}
		if r, err = startRelay(ctx, cfg.Addr); err != nil {
			return "", nil, err
		}
		cfg.Addr, cfg.Timeout, cfg.ReadTimeout = r.address(), 2*time.Second, 5*time.Second
		return cfg.FormatDSN(), r, nil
	}
	return d.dsn, nil, nil
}

// With calls use with a database of that engine, on a server of its own, and takes
// all of it away afterwards, whatever became of ctx. The error holds that of use;
// it is a [*testdb.MissingError] where there is no server to start.
func With(ctx context.Context, name string, opts testdb.Options, use func(Database) error) error {
	e, err := engineOf(name)
	if err != nil {
		return err
	}
	if e.server == "" {
		dir, err := os.MkdirTemp("", "amsbridge-crash-*")
		if err != nil {
			return err
		}
		err = use(Database{engine: e, dsn: testdb.SQLiteFile(filepath.Join(dir, "shop.sqlite"))})
		return errors.Join(err, os.RemoveAll(dir))
	}
	opts.Own = true
	server, err := testdb.Start(ctx, e.server, opts)
	if err != nil {
		return err
	}
	dsn, _, err := server.Create(ctx)
	if err == nil {
		err = use(Database{engine: e, dsn: dsn, server: server})
	}
	return errors.Join(err, server.Stop())
}
