package peers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// How River is tuned.
const (
	FetchCooldown     = 2 * time.Millisecond
	FetchPollInterval = 20 * time.Millisecond
)

// River is a queue of pushes in a database of its own.
type River struct {
	pool   *pgxpool.Pool
	insert *river.Client[pgx.Tx]
}

// push is a River job.
type push struct {
	ID   string          `json:"id"`
	Body json.RawMessage `json:"body"`
}

// Kind implements [river.JobArgs].
func (push) Kind() string { return "push" }

// Work is what is done with each push.
type Work func(ctx context.Context, id string, body []byte) error

// OpenRiver makes River's tables and the shop's orders table in an empty
// database. The caller closes it.
//
// A client that inserts tells the workers by NOTIFY, at most once in its
// cooldown: 0 for River's default of 100 ms, which makes inserting cheaper, or
// [FetchCooldown], which makes jobs arrive sooner.
func OpenRiver(ctx context.Context, dsn string, connections int, orders string, cooldown time.Duration) (_ *River, err error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = int32(connections) //nolint:gosec // a small number
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			pool.Close()
		}
	}()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: quiet()})
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, orders); err != nil {
		return nil, err
	}
	insert, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: quiet(), FetchCooldown: cooldown})
	return &River{pool, insert}, err
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// Close ends the connections.
func (r *River) Close() { r.pool.Close() }

// Place inserts an order's row and a job for it in one transaction, and calls
// committed, if not nil.
func (r *River) Place(ctx context.Context, insert, id, buyer string, total int, body []byte, committed func()) error {
	err := pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, insert, id, buyer, total); err != nil {
			return err
		}
		_, err := r.insert.InsertTx(ctx, tx, push{id, body}, nil)
		return err
	})
	if err == nil && committed != nil {
		committed()
	}
	return err
}

// Fill inserts n jobs in River's fastest way.
func (r *River) Fill(ctx context.Context, n int, body []byte) error {
	for n > 0 {
		jobs := make([]river.InsertManyParams, min(n, 1000))
		for i := range jobs {
			jobs[i].Args = push{fmt.Sprintf("o-%09d", n-i), body}
		}
		n -= len(jobs)
		if _, err := r.insert.InsertManyFast(ctx, jobs); err != nil {
			return err
		}
	}
	return nil
}

// Start works jobs with so many workers. stop waits for those under way.
func (r *River) Start(ctx context.Context, concurrency int, work Work) (stop func() error, err error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[push]) error {
		return work(ctx, job.Args.ID, job.Args.Body)
	}))
	client, err := river.NewClient(riverpgxv5.New(r.pool), &river.Config{
		Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: concurrency}},
		Workers:       workers,
		FetchCooldown: FetchCooldown, FetchPollInterval: FetchPollInterval,
		Logger: quiet(),
	})
	if err != nil {
		return nil, err
	}
	if err := client.Start(ctx); err != nil {
		return nil, err
	}
	return func() error { return client.Stop(context.WithoutCancel(ctx)) }, nil
}

// Left is how many jobs are not completed. A job that failed is an error.
func (r *River) Left(ctx context.Context) (left int, err error) {
	var failed int
	err = r.pool.QueryRow(ctx, `SELECT count(*) FILTER (WHERE state NOT IN ('retryable', 'discarded', 'cancelled')),
		count(*) FILTER (WHERE state IN ('retryable', 'discarded', 'cancelled')) FROM river_job WHERE state <> 'completed'`).Scan(&left, &failed)
	if err == nil && failed > 0 {
		err = errors.New("peers: a River job failed")
	}
	return left, err
}

// Completed is how many jobs were ever completed.
func (r *River) Completed(ctx context.Context) (n int64, err error) {
	err = r.pool.QueryRow(ctx, "SELECT count(*) FROM river_job WHERE state = 'completed'").Scan(&n)
	return n, err
}
