package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
)

// order is an order of the shop: one piece of each product, for the buyer.
type order struct {
	ID       string
	Buyer    amsbridge.User
	Products []string
}

func newOrderID() string { return "W-" + rand.Text()[:10] }

// lineID is the same whenever the order is reported.
func lineID(i int) string { return strconv.Itoa(i + 1) }

// errPlaced is returned for an order that was placed before.
var errPlaced = errors.New("the order was placed before")

// till places orders.
type till struct {
	db   *database
	hook *amsbridge.Hook[*sql.Tx]
}

// place stores an order and its pushes in one transaction: both are there, or
// neither. The sender is woken once it has committed. A real shop takes the
// money in between.
func (t till) place(ctx context.Context, o order) (queued *amsbridge.Queued, err error) {
	err = sqlstore.InTx(ctx, t.db.DB, t.hook.Wake, func(tx *sql.Tx) error {
		queued, err = t.record(ctx, tx, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return queued, nil
}

// record writes the shop's rows, and has the hook write amsbridge's.
func (t till) record(ctx context.Context, tx *sql.Tx, o order) (*amsbridge.Queued, error) {
	if err := insertOrder(ctx, tx, o); err != nil {
		return nil, err
	}
	report := amsbridge.Order{ID: o.ID, Buyer: o.Buyer}
	for i, id := range o.Products {
		report.Lines = append(report.Lines, amsbridge.Line{ID: lineID(i), ProductID: id, Quantity: 1})
	}
	return t.hook.OrderCompleted(ctx, tx, report)
}

func insertOrder(ctx context.Context, tx *sql.Tx, o order) error {
	res, err := tx.ExecContext(ctx, `INSERT INTO shop_order (id, member, placed_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`,
		o.ID, string(o.Buyer.ID), time.Now().UnixMicro())
	if err != nil {
		return fmt.Errorf("insert the order: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil {
		return err
	} else if n == 0 {
		return errPlaced
	}
	for i, id := range o.Products {
		if _, err := tx.ExecContext(ctx, `INSERT INTO shop_order_line (order_id, line_id, product) VALUES ($1, $2, $3)`,
			o.ID, lineID(i), id); err != nil {
			return fmt.Errorf("insert line %s: %w", lineID(i), err)
		}
	}
	return nil
}

// orderLine is a line of a member's order, as the shop keeps it.
type orderLine struct {
	OrderID, LineID, ProductID string
}

// linesOf returns a member's lines, the latest order first.
func linesOf(ctx context.Context, db *database, member amsbridge.UserID) (lines []orderLine, err error) {
	rows, err := db.QueryContext(ctx, `SELECT l.order_id, l.line_id, l.product
		FROM shop_order o JOIN shop_order_line l ON l.order_id = o.id
		WHERE o.member = $1 ORDER BY o.placed_at DESC, o.id, l.line_id`, string(member))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var l orderLine
		if err := rows.Scan(&l.OrderID, &l.LineID, &l.ProductID); err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
	return lines, rows.Err()
}
