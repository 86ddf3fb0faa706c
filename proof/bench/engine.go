package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/amsbridge/amsbridge/proof/testdb"
)

// Engine is a database and the way to it.
type Engine struct {
	// Name is what -engines calls it.
	Name string
	// server is empty for SQLite.
	server testdb.Engine
	// open opens the outbox at a DSN; with fresh set it makes the tables first.
	open func(ctx context.Context, dsn string, fresh bool) (Outbox, error)
}

// Names of engines.
const (
	PGX      = "pgx"      // PostgreSQL through pgx and pgxstore
	Postgres = "postgres" // PostgreSQL through pgx's database/sql driver and sqlstore
	SQLite   = "sqlite"   // modernc.org/sqlite and sqlstore
	MariaDB  = "mariadb"  // go-sql-driver/mysql and sqlstore
)

// Engines are all that there are.
func Engines() []Engine {
	return []Engine{
		{PGX, testdb.PostgreSQL, openPGX},
		{Postgres, testdb.PostgreSQL, openPostgres},
		{SQLite, "", openSQLite},
		{MariaDB, testdb.MariaDB, openMariaDB},
	}
}

func engineNamed(name string) (Engine, error) {
	for _, e := range Engines() {
		if e.Name == name {
			return e, nil
		}
	}
	return Engine{}, fmt.Errorf("bench: there is no engine %q", name)
}

// fresh opens an outbox in a new database, which closing it drops.
func (e Engine) fresh(ctx context.Context, servers Servers) (_ Outbox, dsn string, err error) {
	dsn, drop, err := e.database(ctx, servers)
	if err != nil {
		return nil, "", err
	}
	o, err := e.open(ctx, dsn, true)
	if err != nil {
		return nil, "", errors.Join(err, drop())
	}
	return dropping{o, drop}, dsn, nil
}

type dropping struct {
	Outbox
	drop func() error
}

func (d dropping) Close() error { return errors.Join(d.Outbox.Close(), d.drop()) }

func (e Engine) database(ctx context.Context, servers Servers) (dsn string, drop func() error, err error) {
	if e.server == "" {
		dir, err := os.MkdirTemp("", "amsbridge-bench-*")
		return testdb.SQLiteFile(filepath.Join(dir, "shop.sqlite")), func() error { return os.RemoveAll(dir) }, err
	}
	return servers.database(ctx, e.server)
}

// Servers are the database servers of a run.
type Servers map[testdb.Engine]*testdb.Server

// Start starts servers of those engines: those that are started for tests do not
// sync what they commit. The caller stops them.
func Start(ctx context.Context, engines []Engine) (Servers, error) {
	s := Servers{}
	for _, e := range engines {
		if e.server == "" || s[e.server] != nil {
			continue
		}
		server, err := testdb.Start(ctx, e.server, testdb.Options{Install: true, Own: true, Log: os.Stderr})
		if err != nil {
			return nil, errors.Join(err, s.Stop())
		}
		s[e.server] = server
	}
	return s, nil
}

// Stop stops what Start started.
func (s Servers) Stop() error {
	var all error
	for _, server := range s {
		all = errors.Join(all, server.Stop())
	}
	return all
}

func (s Servers) database(ctx context.Context, engine testdb.Engine) (dsn string, drop func() error, err error) {
	server, ok := s[engine]
	if !ok {
		return "", nil, fmt.Errorf("bench: no %s server was started", engine)
	}
	dsn, dropDB, err := server.Create(ctx)
	return dsn, func() error { return dropDB(context.WithoutCancel(ctx)) }, err
}
