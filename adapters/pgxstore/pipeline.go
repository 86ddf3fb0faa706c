package pgxstore

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/amsbridge/amsbridge/internal/sqlcore"
)

// rollbackTimeout limits a roll-back, whose context may have ended.
const rollbackTimeout = 5 * time.Second

// pipeline is a transaction that delays statements without a result, BEGIN included. It sends them
// together with the next statement that has a result, or with COMMIT, in one round trip. When one
// fails, the server skips those after it.
type pipeline struct {
	c       *pgx.Conn
	waiting *pgx.Batch
}

func begin(c *pgx.Conn) *pipeline {
	p := &pipeline{c: c, waiting: &pgx.Batch{}}
	p.Later("BEGIN ISOLATION LEVEL READ COMMITTED")
	return p
}

// Later delays a statement until the next Exec, Query or commit.
func (p *pipeline) Later(text string, args ...any) { p.waiting.Queue(text, args...) }

// Exec runs the delayed statements and this one.
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

// Query runs the delayed statements and this one.
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

// send returns the results, positioned at the last statement's.
func (p *pipeline) send(ctx context.Context, text string, args ...any) (pgx.BatchResults, error) {
	p.waiting.Queue(text, args...)
	before := p.waiting.Len() - 1
	results := p.c.SendBatch(ctx, p.waiting)
	p.waiting = &pgx.Batch{}
	for range before {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // returns the same error
			return nil, err
		}
	}
	return results, nil
}

// commit sends the delayed statements and COMMIT. It is an error if the database rolled back instead.
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

// idle tells whether nothing was begun on the server.
func (p *pipeline) idle() bool {
	return p.waiting.Len() == 1 && p.c.PgConn().TxStatus() == 'I'
}

// rollback ends what is left of the transaction. Where that fails, the pool destroys the connection,
// since it is not idle.
func (p *pipeline) rollback(ctx context.Context) {
	if p.c.IsClosed() || p.c.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_, _ = p.c.Exec(ctx, "ROLLBACK")
}

// batchRows are rows whose end closes their batch.
type batchRows struct {
	pgx.Rows
	results pgx.BatchResults
	err     error
}

// Next closes the batch after the last row.
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
