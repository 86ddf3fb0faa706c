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
	// Learners are as many as Quantity, or none for what needs none.
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

// Till places orders.
type Till struct {
	DB   *Database
	Hook *amsbridge.Hook[*sql.Tx]
}

// Place stores an order and its pushes in one transaction: both are there, or
// neither. The sender is woken once it has committed. A real shop takes the
// money in between.
func (t Till) Place(ctx context.Context, o Order) (queued *amsbridge.Queued, err error) {
	err = sqlstore.InTx(ctx, t.DB.DB, t.Hook.Wake, func(tx *sql.Tx) error {
		queued, err = t.Record(ctx, tx, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	return queued, nil
}

// Record writes the shop's rows, and has the hook write amsbridge's.
func (t Till) Record(ctx context.Context, tx *sql.Tx, o Order) (*amsbridge.Queued, error) {
	if err := insertOrder(ctx, tx, o); err != nil {
		return nil, err
	}
	return t.Hook.OrderCompleted(ctx, tx, o.report())
}

// report is what amsbridge is told of an order. The buyer need not be among
// those for whom it was bought.
func (o Order) report() amsbridge.Order {
	report := amsbridge.Order{ID: o.ID, Buyer: o.Buyer}
	for i, l := range o.Lines {
		report.Lines = append(report.Lines, amsbridge.Line{
			ID: lineID(i), ProductID: l.Product, Quantity: l.Quantity, Attendees: l.Learners,
		})
	}
	return report
}

func insertOrder(ctx context.Context, tx *sql.Tx, o Order) error {
	res, err := tx.ExecContext(ctx, `INSERT INTO shop_order (id, member, placed_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`,
		o.ID, string(o.Buyer.ID), time.Now().UnixMicro())
	if err != nil {
		return fmt.Errorf("insert the order: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil {
		return err
	} else if n == 0 {
		return ErrPlaced
	}
	for i, l := range o.Lines {
		if _, err := tx.ExecContext(ctx, `INSERT INTO shop_order_line (order_id, line_id, product) VALUES ($1, $2, $3)`,
			o.ID, lineID(i), l.Product); err != nil {
			return fmt.Errorf("insert line %s: %w", lineID(i), err)
		}
		for seat := range l.Quantity {
			learner := o.Buyer.ID
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
