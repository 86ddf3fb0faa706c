package shop

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

// Order is an order of the shop.
type Order struct {
	ID    string
	Buyer amsbridge.User
	Lines []Line
}

// Line is so many pieces of one product, and whom they are for.
type Line struct {
	Product  string
	Quantity int
	// Learners are at most as many as Quantity: the rest is named later. A single
	// piece without a learner is the buyer's.
	Learners []amsbridge.User
}

// NewOrder is an order of one piece of each product, all for the buyer.
func NewOrder(buyer amsbridge.User, products ...string) Order {
	o := Order{ID: NewOrderID(), Buyer: buyer}
	for _, id := range products {
		o.Lines = append(o.Lines, Line{Product: id, Quantity: 1})
	}
	return o
}

// NewOrderID makes an ID that no order has.
func NewOrderID() string { return "W-" + rand.Text()[:10] }

// lineID is the same whenever the order is reported.
func lineID(i int) string { return strconv.Itoa(i + 1) }

// ErrPlaced is returned for an order that was placed before.
var ErrPlaced = errors.New("the order was placed before")

// Till places orders. What becomes of them later is in change.go.
type Till struct {
	DB   *Database
	Hook *amsbridge.Hook[*sql.Tx]
}

// Place stores an order and its pushes in one transaction: both are there, or
// neither. The sender is woken once it has committed. A real shop takes the
// money in between.
func (t Till) Place(ctx context.Context, o Order) (report *amsbridge.Report, err error) {
	err = sqlstore.InTx(ctx, t.DB.DB, t.Hook.Wake, func(tx *sql.Tx) error {
		report, err = t.Record(ctx, tx, o)
		return err
	})
	return report, err
}

// Record writes the shop's rows, and has the hook write amsbridge's.
func (t Till) Record(ctx context.Context, tx *sql.Tx, o Order) (*amsbridge.Report, error) {
	if err := insertOrder(ctx, tx, o); err != nil {
		return nil, err
	}
	return t.report(ctx, tx, o.ID)
}

func insertOrder(ctx context.Context, tx *sql.Tx, o Order) error {
	res, err := tx.ExecContext(ctx, `INSERT INTO shop_order (id, member, placed_at, version) VALUES ($1, $2, $3, 1) ON CONFLICT (id) DO NOTHING`,
		o.ID, string(o.Buyer.ID), time.Now().UnixMicro())
	if err := written(res, err, ErrPlaced); err != nil {
		return err
	}
	for i, l := range o.Lines {
		if _, err := tx.ExecContext(ctx, `INSERT INTO shop_order_line (order_id, line_id, product) VALUES ($1, $2, $3)`,
			o.ID, lineID(i), l.Product); err != nil {
			return fmt.Errorf("insert line %s: %w", lineID(i), err)
		}
		if l.Quantity == 1 && len(l.Learners) == 0 {
			l.Learners = []amsbridge.User{o.Buyer}
		}
		for seat := range l.Quantity {
			var learner amsbridge.UserID
			if seat < len(l.Learners) {
				learner = l.Learners[seat].ID
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO shop_seat (order_id, line_id, seat, learner) VALUES ($1, $2, $3, $4)`,
				o.ID, lineID(i), seat, string(learner)); err != nil {
				return fmt.Errorf("insert a seat of line %s: %w", lineID(i), err)
			}
		}
	}
	return nil
}

// written returns none where a statement wrote nothing.
func written(res sql.Result, err, none error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return none
}
