package pgxstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/amsbridge/amsbridge/internal/sqlcore"
)

// patience limits a roll-back when the call's time is over.
const patience = 500 * time.Millisecond

// pipeline is a transaction that delays statements without a result, BEGIN included. It sends them
// together with the next statement that has a result, or with COMMIT, in one round trip. When one
// fails, the server skips those after it.
type pipeline struct {
	// ctx is that of the whole call and has a deadline. The contexts of single statements are the caller's,
	// which may have none.
	ctx       context.Context
	c         *pgx.Conn
	waiting   *pgx.Batch
	committed bool
}

func begin(ctx context.Context, c *pgx.Conn) *pipeline {
	p := &pipeline{ctx: ctx, c: c, waiting: &pgx.Batch{}}
	p.Later("BEGIN ISOLATION LEVEL READ COMMITTED")
	return p
}

// Later delays a statement until the next Exec, Query or commit.
func (p *pipeline) Later(text string, args ...any) { p.waiting.Queue(text, args...) }

// Exec runs the delayed statements and this one.
func (p *pipeline) Exec(_ context.Context, text string, args ...any) (int64, error) {
	tag, err := p.flush(text, args...)
	return tag.RowsAffected(), err
}

func (p *pipeline) flush(text string, args ...any) (pgconn.CommandTag, error) {
	results, err := p.send(text, args)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := results.Exec()
	if closed := results.Close(); err == nil {
		err = closed
	}
	return tag, err
}

// Each runs the delayed statements and this one.
func (p *pipeline) Each(_ context.Context, scan func(sqlcore.Rows) error, text string, args ...any) (err error) {
	results, err := p.send(text, args)
	if err != nil {
		return err
	}
	defer func() {
		if closed := results.Close(); err == nil {
			err = closed
		}
	}()
	rows, err := results.Query()
	if err != nil {
		return err
	}
	return scanAll(rows, scan)
}

// Last runs the delayed statements, this one and COMMIT.
func (p *pipeline) Last(_ context.Context, scan func(sqlcore.Rows) error, text string, args ...any) (err error) {
	results, err := p.send(text, args, "COMMIT")
	if err != nil {
		return err
	}
	p.committed = true
	defer func() {
		if closed := results.Close(); err == nil {
			err = closed
		}
	}()
	rows, err := results.Query()
	if err != nil {
		return err
	}
	if err := scanAll(rows, scan); err != nil {
		return err
	}
	return commitError(results.Exec())
}

// send returns the results, positioned at the statement's. Those after it have no parameters.
func (p *pipeline) send(text string, args []any, after ...string) (pgx.BatchResults, error) {
	p.waiting.Queue(text, args...)
	before := p.waiting.Len() - 1
	for _, text := range after {
		p.waiting.Queue(text)
	}
	results := p.c.SendBatch(p.ctx, p.waiting)
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
func (p *pipeline) commit() error {
	if p.committed {
		return nil
	}
	if p.idle() {
		p.waiting = &pgx.Batch{}
		return nil
	}
	return commitError(p.flush("COMMIT"))
}

// commitError is the error of a COMMIT, which may have rolled back instead.
func commitError(tag pgconn.CommandTag, err error) error {
	if err == nil && tag.String() != "COMMIT" {
		return pgx.ErrTxCommitRollback
	}
	return err
}

// idle tells whether nothing was begun on the server.
func (p *pipeline) idle() bool {
	return p.waiting.Len() == 1 && p.c.PgConn().TxStatus() == 'I'
}

// rollback ends what is left of the transaction, also when the call's time is over. Where that fails, the
// pool destroys the connection, since it is not idle.
func (p *pipeline) rollback() {
	if p.c.IsClosed() || p.c.PgConn().TxStatus() == 'I' {
		return
	}
	ctx := p.ctx
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
	}
	_, _ = p.c.Exec(ctx, "ROLLBACK")
}
