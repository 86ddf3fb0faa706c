package pgxstore

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/amsbridge/amsbridge/internal/sqlcore"
)

// rollbackTimeout bounds a roll-back, whose context may have ended.
const rollbackTimeout = 5 * time.Second

// pipeline is a transaction of our own that keeps back what nobody waits for,
// its beginning included, and sends it with the next statement that has a
// result, or with the COMMIT: one round trip for all of it. When one fails, the
// server leaves out what follows.
type pipeline struct {
	c       *pgx.Conn
	waiting *pgx.Batch
}

func begin(c *pgx.Conn) *pipeline {
	p := &pipeline{c: c, waiting: &pgx.Batch{}}
	p.Later("BEGIN ISOLATION LEVEL READ COMMITTED")
	return p
}

// Later has a statement run with the next one.
func (p *pipeline) Later(text string, args ...any) { p.waiting.Queue(text, args...) }

// Exec runs what waits, and this.
func (p *pipeline) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	tag, err := p.flush(ctx, text, args...)
	return tag.RowsAffected(), err
}

func (p *pipeline) flush(ctx context.Context, text string, args ...any) (pgconn.CommandTag, error) {
	results, err := p.send(ctx, text, args...)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := results.Exec()
	if closed := results.Close(); err == nil {
		err = closed
	}
	return tag, err
}

// Query runs what waits, and this.
func (p *pipeline) Query(ctx context.Context, text string, args ...any) (sqlcore.Rows, error) {
	results, err := p.send(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	rows, err := results.Query()
	if err != nil {
		return nil, errors.Join(err, results.Close())
	}
	return &batchRows{Rows: rows, results: results}, nil
}

// send returns the results at the last statement's.
func (p *pipeline) send(ctx context.Context, text string, args ...any) (pgx.BatchResults, error) {
	p.waiting.Queue(text, args...)
	before := p.waiting.Len() - 1
	results := p.c.SendBatch(ctx, p.waiting)
	p.waiting = &pgx.Batch{}
	for range before {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // tells the same
			return nil, err
		}
	}
	return results, nil
}

// commit sends what waits and COMMIT. A transaction that the database rolled
// back instead is an error.
func (p *pipeline) commit(ctx context.Context) error {
	if p.idle() {
		p.waiting = &pgx.Batch{}
		return nil
	}
	tag, err := p.flush(ctx, "COMMIT")
	if err == nil && tag.String() != "COMMIT" {
		return pgx.ErrTxCommitRollback
	}
	return err
}

// idle tells that nothing was begun on the server.
func (p *pipeline) idle() bool {
	return p.waiting.Len() == 1 && p.c.PgConn().TxStatus() == 'I'
}

// rollback ends what is left of the transaction. A connection on which that
// fails is not used again: the pool destroys one that is not idle.
func (p *pipeline) rollback(ctx context.Context) {
	if p.c.IsClosed() || p.c.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_, _ = p.c.Exec(ctx, "ROLLBACK")
}

// batchRows are rows that end their batch.
type batchRows struct {
	pgx.Rows
	results pgx.BatchResults
	err     error
}

// Next ends the batch with the last row.
func (r *batchRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

func (r *batchRows) Err() error { return r.err }

// Close may be called twice.
func (r *batchRows) Close() {
	r.Rows.Close()
	err := r.results.Close()
	if own := r.Rows.Err(); own != nil {
		err = own
	}
	r.err = err
}
