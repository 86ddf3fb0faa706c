package pgxstore

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/amsbridge/amsbridge/internal/sqlcore"
)

// shopTx is a transaction of InTx. BEGIN is sent with its first statement where that is an Exec, or the store's.
// What its Begin returns, a savepoint, is another type.
type shopTx struct {
	// Tx is nil until it is begun, and closed where that failed.
	pgx.Tx
	err      error           // why it could not be begun
	ctx      context.Context // for methods that have none
	c        *pgx.Conn
	db       *pgxpool.Pool
	handover sqlcore.Handover
}

// first begins the transaction, with a statement whose result take reads, if there is one.
func (t *shopTx) first(ctx context.Context, take func(pgx.BatchResults) error, text string, args ...any) error {
	var b pgx.Batch
	b.BeginTx(pgx.TxOptions{})
	if take != nil {
		b.Queue(text, args...)
	}
	results := t.c.SendBatch(ctx, &b)
	_, err := results.Exec()
	if err == nil && take != nil {
		err = take(results)
	}
	if closed := results.Close(); err == nil {
		err = closed
	}
	t.Tx = results.Tx()
	return err
}

// begun is pgx's transaction.
func (t *shopTx) begun(ctx context.Context) pgx.Tx {
	if t.Tx == nil {
		t.err = t.first(ctx, nil, "")
	}
	return t.Tx
}

// together tells whether BEGIN can go with a statement. A text without parameters may be several statements, which no
// batch takes, nor does it take options; and a tracer of statements would not be told of a batch.
func (t *shopTx) together(args []any) bool {
	return t.Tx == nil && len(args) > 0 && !slices.ContainsFunc(args, isOption) && t.c.Config().Tracer == nil
}

// Exec implements [pgx.Tx].
func (t *shopTx) Exec(ctx context.Context, text string, args ...any) (tag pgconn.CommandTag, err error) {
	if t.together(args) {
		err = t.first(ctx, func(r pgx.BatchResults) (err error) { tag, err = r.Exec(); return err }, text, args...)
		return tag, err
	}
	return t.begun(ctx).Exec(ctx, text, args...)
}

// each is a query of which every row is scanned.
func (t *shopTx) each(ctx context.Context, scan func(sqlcore.Rows) error, text string, args ...any) error {
	read := func(rows pgx.Rows, err error) error {
		if err != nil {
			return err
		}
		return scanAll(rows, scan)
	}
	if t.together(args) {
		return t.first(ctx, func(r pgx.BatchResults) error { return read(r.Query()) }, text, args...)
	}
	return read(t.Query(ctx, text, args...))
}

// isOption tells whether an argument is no parameter.
func isOption(arg any) bool {
	switch arg.(type) {
	case pgx.QueryExecMode, pgx.QueryResultFormats, pgx.QueryResultFormatsByOID:
		return true
	}
	return false
}

// Query implements [pgx.Tx].
func (t *shopTx) Query(ctx context.Context, text string, args ...any) (pgx.Rows, error) {
	return t.begun(ctx).Query(ctx, text, args...)
}

// QueryRow implements [pgx.Tx].
func (t *shopTx) QueryRow(ctx context.Context, text string, args ...any) pgx.Row {
	return t.begun(ctx).QueryRow(ctx, text, args...)
}

// Begin implements [pgx.Tx]: it makes a savepoint.
func (t *shopTx) Begin(ctx context.Context) (pgx.Tx, error) { return t.begun(ctx).Begin(ctx) }

// SendBatch implements [pgx.Tx].
func (t *shopTx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return t.begun(ctx).SendBatch(ctx, b)
}

// CopyFrom implements [pgx.Tx].
func (t *shopTx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	return t.begun(ctx).CopyFrom(ctx, table, columns, rows)
}

// Prepare implements [pgx.Tx].
func (t *shopTx) Prepare(ctx context.Context, name, text string) (*pgconn.StatementDescription, error) {
	return t.begun(ctx).Prepare(ctx, name, text)
}

// LargeObjects implements [pgx.Tx].
func (t *shopTx) LargeObjects() pgx.LargeObjects {
	return t.begun(t.ctx).LargeObjects()
}

// Conn implements [pgx.Tx].
func (t *shopTx) Conn() *pgx.Conn { return t.begun(t.ctx).Conn() }

// Commit implements [pgx.Tx].
func (t *shopTx) Commit(ctx context.Context) error { return t.begun(ctx).Commit(ctx) }

// Rollback implements [pgx.Tx].
func (t *shopTx) Rollback(ctx context.Context) error { return t.begun(ctx).Rollback(ctx) }
