package sqlstore

import (
	"context"
	"database/sql"

	"github.com/amsbridge/amsbridge/internal/sqlcore"
)

// prepared are prepared statements of the shop's handle, by their text. They are closed with the
// handle.
type prepared map[string]*sql.Stmt

// prepare prepares statements while no transaction is open, since inside the caller's there may be no
// second connection.
func prepare(ctx context.Context, db *sql.DB, texts []string) (prepared, error) {
	p := prepared{}
	for _, text := range texts {
		stmt, err := db.PrepareContext(ctx, text) //nolint:sqlclosecheck // it ends with the shop's handle
		if err != nil {
			return nil, err
		}
		p[text] = stmt
	}
	return p, nil
}

// checkout is the shop's transaction; it uses the prepared statements.
type checkout struct {
	conn
	tx       *sql.Tx
	prepared prepared
	handover *sqlcore.Handover // nil but in InTx
}

// in adapts a transaction of the shop to the engine's interface.
func (s *Store) in(tx *sql.Tx) checkout {
	c := checkout{conn: conn{tx}, tx: tx, prepared: s.prepared}
	if own := shopTxOf(tx); own != nil && own.db == s.db {
		c.handover = &own.handover
	}
	return c
}

func (c checkout) Handover() *sqlcore.Handover { return c.handover }

func (c checkout) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	stmt, ok := c.prepared[text]
	if !ok {
		return c.conn.Exec(ctx, text, args...)
	}
	res, err := c.tx.StmtContext(ctx, stmt).ExecContext(ctx, args...) //nolint:sqlclosecheck // it ends with the transaction
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (c checkout) Each(ctx context.Context, scan func(sqlcore.Rows) error, text string, args ...any) error {
	stmt, ok := c.prepared[text]
	if !ok {
		return c.conn.Each(ctx, scan, text, args...)
	}
	//nolint:rowserrcheck,sqlclosecheck // the statement ends with the transaction, and scanAll does the rest
	rows, err := c.tx.StmtContext(ctx, stmt).QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	return scanAll(rows, scan)
}
