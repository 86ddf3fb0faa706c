package sqlstore

import (
	"context"
	"database/sql"

	"github.com/amsbridge/amsbridge/internal/sqlcore"
)

// prepared are statements by their text, ready on the shop's handle. They end
// with it.
type prepared map[string]*sql.Stmt

// prepare prepares statements while no transaction is open: inside the caller's
// another connection may not be had.
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

// checkout is the shop's transaction, which runs the prepared statements as
// such.
type checkout struct {
	conn
	tx       *sql.Tx
	prepared prepared
}

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

func (c checkout) Query(ctx context.Context, text string, args ...any) (sqlcore.Rows, error) {
	stmt, ok := c.prepared[text]
	if !ok {
		return c.conn.Query(ctx, text, args...)
	}
	r, err := c.tx.StmtContext(ctx, stmt).QueryContext(ctx, args...) //nolint:rowserrcheck,sqlclosecheck // the engine does both
	if err != nil {
		return nil, err
	}
	return rows{r}, nil
}
