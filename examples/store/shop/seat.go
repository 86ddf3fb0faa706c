package shop

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/amsbridge/amsbridge"
)

// Seat is one piece of one line, and whom it is for.
type Seat struct {
	OrderID, LineID string
	Placed          time.Time
	Product         Product
	Buyer, Learner  Member
	// Steps are one for each platform that the product lives on; none for what
	// is the shop's alone.
	Steps []Step
}

// seatsOf returns the seats of an order, in the order of its lines.
func seatsOf(ctx context.Context, db *Database, orderID string) ([]Seat, error) {
	return seats(ctx, db, `o.id = $1`, orderID)
}

// seatsFor returns what was bought for a member, the latest order first.
func seatsFor(ctx context.Context, db *Database, member amsbridge.UserID) ([]Seat, error) {
	return seats(ctx, db, `s.learner = $1`, string(member))
}

// seatsBy returns what a member bought, the latest order first.
func seatsBy(ctx context.Context, db *Database, member amsbridge.UserID) ([]Seat, error) {
	return seats(ctx, db, `o.member = $1`, string(member))
}

func seats(ctx context.Context, db *Database, where, argument string) (all []Seat, err error) {
	rows, err := db.QueryContext(ctx, `SELECT o.id, o.member, o.placed_at, l.line_id, l.product, s.learner
		FROM shop_order o JOIN shop_order_line l ON l.order_id = o.id
		JOIN shop_seat s ON s.order_id = l.order_id AND s.line_id = l.line_id
		WHERE `+where+` ORDER BY o.placed_at DESC, o.id, l.line_id, s.seat`, argument)
	if err != nil {
		return nil, fmt.Errorf("look up what was bought: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var s Seat
		var placed int64
		var buyer, product, learner string
		if err := rows.Scan(&s.OrderID, &buyer, &placed, &s.LineID, &product, &learner); err != nil {
			return nil, err
		}
		s.Placed = time.UnixMicro(placed)
		s.Buyer, s.Learner, s.Product = known(buyer), known(learner), knownProduct(product)
		all = append(all, s)
	}
	return all, rows.Err()
}

// known is a member, or one who has left.
func known(id string) Member {
	if m, ok := MemberByID(amsbridge.UserID(id)); ok {
		return m
	}
	return Member{User: amsbridge.User{ID: amsbridge.UserID(id), FirstName: "Former", LastName: "member"}}
}

// knownProduct is a product, or one that is no longer sold.
func knownProduct(id string) Product {
	if p, ok := ProductByID(id); ok {
		return p
	}
	return Product{ID: id, Title: id, Kind: Course, Art: "handbook"}
}

// SeatView is a seat as a page shows it to somebody.
type SeatView struct {
	Steps []Step
	Title string
	// Own is set for the learner, who may walk in.
	Own bool
}

// For is the seat as a member sees it.
func (s Seat) For(member amsbridge.UserID) SeatView {
	return SeatView{Steps: s.Steps, Title: s.Product.Title, Own: s.Learner.ID == member}
}
