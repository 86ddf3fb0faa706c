package bench

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/amsbridge/amsbridge/adapters/pgxstore"
)

// pgxShop is an Outbox on pgx alone.
type pgxShop struct {
	shop[pgx.Tx]
	pool *pgxpool.Pool
}

func (s *pgxShop) Exec(ctx context.Context, statement string) error {
	_, err := s.pool.Exec(ctx, statement)
	return err
}

func (s *pgxShop) Number(ctx context.Context, query string) (n int64, err error) {
	err = s.pool.QueryRow(ctx, query).Scan(&n)
	return n, err
}

func (s *pgxShop) Version(ctx context.Context) (v string, err error) {
	err = s.pool.QueryRow(ctx, "SELECT 'PostgreSQL ' || current_setting('server_version') || ' through pgx'").Scan(&v)
	return v, err
}

func (s *pgxShop) Close() error {
	s.pool.Close()
	return nil
}

func openPGX(ctx context.Context, dsn string, fresh bool) (_ Outbox, err error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	trips := &atomic.Int64{}
	cfg.MaxConns, cfg.ConnConfig.DialFunc = connections, counting(trips)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			pool.Close()
		}
	}()
	if fresh {
		if err := pgxstore.Migrate(ctx, pool); err != nil {
			return nil, err
		}
		if _, err := pool.Exec(ctx, ordersTable); err != nil {
			return nil, err
		}
	}
	stored, err := pgxstore.New(ctx, pgxstore.Config{DB: pool})
	if err != nil {
		return nil, err
	}
	base, err := newShop[pgx.Tx](stored)
	if err != nil {
		return nil, err
	}
	s := &pgxShop{base, pool}
	s.trips = trips
	s.inTx = func(ctx context.Context, committed func(), fn func(pgx.Tx) error) error {
		return pgxstore.InTx(ctx, pool, committed, fn)
	}
	s.plain = func(ctx context.Context, committed func(), fn func(pgx.Tx) error) error {
		err := pgx.BeginFunc(ctx, pool, fn)
		if err == nil && committed != nil {
			committed()
		}
		return err
	}
	s.row = func(ctx context.Context, tx pgx.Tx, id, buyer string, total int) error {
		_, err := tx.Exec(ctx, insertNumbered, id, buyer, total)
		return err
	}
	return s, nil
}
