package shop

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
)

// ErrChanged is returned where somebody else was quicker.
var ErrChanged = errors.New("the order is not as the page showed it")

// Hand gives a seat to a member: an open one that the buyer names later, or one
// whose learner staff replace. From is who had it, empty for nobody.
func (t Till) Hand(
	ctx context.Context, orderID, lineID string, seat int, from, to amsbridge.UserID,
) (*amsbridge.Report, error) {
	return t.change(ctx, orderID, func(tx *sql.Tx) (*amsbridge.Report, error) {
		res, err := tx.ExecContext(ctx, `UPDATE shop_seat SET learner = $1
			WHERE order_id = $2 AND line_id = $3 AND seat = $4 AND learner = $5 AND NOT EXISTS
			(SELECT 1 FROM shop_seat had WHERE had.order_id = $2 AND had.line_id = $3 AND had.learner = $1)`,
			string(to), orderID, lineID, seat, string(from))
		if err := written(res, err, ErrChanged); err != nil {
			return nil, err
		}
		return t.report(ctx, tx, orderID)
	})
}

// Refund gives a whole line back, and returns the refund's ID with the report. A
// real shop pays the money back.
func (t Till) Refund(ctx context.Context, orderID, lineID string) (id string, report *amsbridge.Report, err error) {
	id = "R-" + rand.Text()[:10]
	report, err = t.change(ctx, orderID, func(tx *sql.Tx) (*amsbridge.Report, error) {
		res, err := tx.ExecContext(ctx, `INSERT INTO shop_refund (id, order_id, line_id, undone)
			SELECT $1, order_id, line_id, 0 FROM shop_order_line l WHERE order_id = $2 AND line_id = $3 AND NOT EXISTS
			(SELECT 1 FROM shop_refund r WHERE r.order_id = l.order_id AND r.line_id = l.line_id AND r.undone = 0)`,
			id, orderID, lineID)
		if err := written(res, err, ErrChanged); err != nil {
			return nil, err
		}
		return t.Hook.OrderRefunded(ctx, tx, amsbridge.Refund{
			ID: id, OrderID: orderID, Lines: []amsbridge.RefundLine{{LineID: lineID}},
		})
	})
	return id, report, err
}

// Undo undoes a refund: its learners have their seats again.
func (t Till) Undo(ctx context.Context, orderID, refundID string) (*amsbridge.Report, error) {
	return t.change(ctx, orderID, func(tx *sql.Tx) (*amsbridge.Report, error) {
		res, err := tx.ExecContext(ctx, `UPDATE shop_refund SET undone = 1 WHERE id = $1 AND order_id = $2 AND undone = 0`,
			refundID, orderID)
		if err := written(res, err, ErrChanged); err != nil {
			return nil, err
		}
		order, err := storedOrder(ctx, tx, orderID)
		if err != nil {
			return nil, err
		}
		return t.Hook.RefundReversed(ctx, tx, refundID, order)
	})
}

// change writes a change of an order and tells amsbridge of it, in one
// transaction. The version rises first, which also has two changes of one order
// wait for each other.
func (t Till) change(
	ctx context.Context, orderID string, write func(*sql.Tx) (*amsbridge.Report, error),
) (report *amsbridge.Report, err error) {
	err = sqlstore.InTx(ctx, t.DB.DB, t.Hook.Wake, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE shop_order SET version = version + 1 WHERE id = $1`, orderID)
		if err := written(res, err, ErrChanged); err != nil {
			return err
		}
		report, err = write(tx)
		return err
	})
	return report, err
}

// report tells amsbridge what the order is by now, as the shop has just stored
// it.
func (t Till) report(ctx context.Context, tx *sql.Tx, orderID string) (*amsbridge.Report, error) {
	order, err := storedOrder(ctx, tx, orderID)
	if err != nil {
		return nil, err
	}
	return t.Hook.OrderCompleted(ctx, tx, order)
}

// storedOrder is an order as amsbridge is told of it. Refunds are told by calls
// of their own, and change no quantity.
func storedOrder(ctx context.Context, db querier, orderID string) (amsbridge.Order, error) {
	all, err := seatsOf(ctx, db, orderID)
	if err != nil {
		return amsbridge.Order{}, err
	}
	order := amsbridge.Order{ID: orderID}
	for _, s := range all {
		order.Buyer, order.PlacedAt, order.Version = s.Buyer.User, s.Placed, s.Version
		n := len(order.Lines)
		if n == 0 || order.Lines[n-1].ID != s.LineID {
			order.Lines = append(order.Lines, amsbridge.Line{ID: s.LineID, ProductID: s.Product.ID, Quantity: s.Places})
			n++
		}
		if s.Learner.ID != "" {
			order.Lines[n-1].Attendees = append(order.Lines[n-1].Attendees, s.Learner.User)
		}
	}
	return order, nil
}
