package bench

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/proof/bench/peers"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

// closers are what a measurement opened.
type closers struct{ all []func() error }

func (c *closers) add(f func() error) { c.all = append(c.all, f) }

// close closes what was opened last first.
func (c *closers) close() error {
	var err error
	for _, f := range slices.Backward(c.all) {
		err = errors.Join(err, f())
	}
	return err
}

// open opens a fresh outbox on one of the lab's engines; false where it has not
// that one.
func (l *Lab) open(ctx context.Context, name string, c *closers) (Outbox, bool, error) {
	o, _, ok, err := l.openAt(ctx, name, c)
	return o, ok, err
}

// openMain opens the main engine; the outbox is nil where there is none among the
// lab's.
func (l *Lab) openMain(ctx context.Context, c *closers) (Engine, Outbox, error) {
	e, ok := l.main()
	if !ok {
		return e, nil, nil
	}
	o, _, err := l.open(ctx, e.Name, c)
	return e, o, err
}

// openAt returns the DSN as well.
func (l *Lab) openAt(ctx context.Context, name string, c *closers) (Outbox, string, bool, error) {
	e, ok := l.engine(name)
	if !ok {
		return nil, "", false, nil
	}
	o, dsn, err := e.fresh(ctx, l.Servers)
	if err != nil {
		return nil, "", false, err
	}
	c.add(o.Close)
	return o, dsn, true, nil
}

func (l *Lab) platform(ctx context.Context, delay time.Duration, c *closers) (*Platform, error) {
	p, err := StartPlatform(ctx, delay)
	if err != nil {
		return nil, err
	}
	c.add(func() error { p.Close(); return nil })
	return p, nil
}

// river opens River in a database of its own: see [peers.OpenRiver].
func (l *Lab) river(ctx context.Context, cooldown time.Duration, c *closers) (*peers.River, error) {
	dsn, drop, err := l.Servers.database(ctx, testdb.PostgreSQL)
	if err != nil {
		return nil, err
	}
	c.add(drop)
	r, err := peers.OpenRiver(ctx, dsn, connections, ordersTable, cooldown)
	if err != nil {
		return nil, err
	}
	c.add(func() error { r.Close(); return nil })
	return r, nil
}

func (l *Lab) watermillPostgres(ctx context.Context, c *closers) (*peers.Watermill, error) {
	return l.watermill(ctx, testdb.PostgreSQL, "pgx", c)
}

func (l *Lab) watermillMariaDB(ctx context.Context, c *closers) (*peers.Watermill, error) {
	return l.watermill(ctx, testdb.MariaDB, "mysql", c)
}

// watermill opens watermill-sql in a database of its own.
func (l *Lab) watermill(ctx context.Context, server testdb.Engine, driver string, c *closers) (*peers.Watermill, error) {
	dsn, drop, err := l.Servers.database(ctx, server)
	if err != nil {
		return nil, err
	}
	c.add(drop)
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	c.add(db.Close)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return peers.OpenWatermill(ctx, db, server == testdb.MariaDB, ordersTable)
}
