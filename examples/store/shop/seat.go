package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/amsbridge/amsbridge"
)

// Seat is one piece of one line, and whom it is for.
type Seat struct {
	OrderID, LineID string
	// N is the seat's number on its line, from 0, of so many Places.
	N, Places int
	Placed    time.Time
	// Version is the order's.
	Version int64
	Product Product
	// Learner has no ID while the seat is open.
	Buyer, Learner Member
	// Refund is the ID of the refund that gave the line back; empty for none.
	Refund string
	// Steps are one for each platform that the product lives on; none for what
	// is the shop's alone.
	Steps []Step
}

// querier is the database, or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// seatsOf returns the seats of an order, in the order of its lines.
func seatsOf(ctx context.Context, db querier, orderID string) ([]Seat, error) {
	return seats(ctx, db, `o.id = $1`, orderID)
}

// seatsFor returns what was bought for a member, the latest order first.
func seatsFor(ctx context.Context, db querier, member amsbridge.UserID) ([]Seat, error) {
	return seats(ctx, db, `s.learner = $1`, string(member))
}

// seatsBy returns what a member bought, the latest order first.
func seatsBy(ctx context.Context, db querier, member amsbridge.UserID) ([]Seat, error) {
	return seats(ctx, db, `o.member = $1`, string(member))
}

func seats(ctx context.Context, db querier, where string, argument any) (all []Seat, err error) {
	rows, err := db.QueryContext(ctx, `SELECT o.id, o.member, o.placed_at, o.version, l.line_id, l.product, s.seat, s.learner,
		(SELECT COUNT(*) FROM shop_seat c WHERE c.order_id = l.order_id AND c.line_id = l.line_id),
		COALESCE((SELECT r.id FROM shop_refund r WHERE r.order_id = l.order_id AND r.line_id = l.line_id AND r.undone = 0), '')
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
		if err := rows.Scan(&s.OrderID, &buyer, &placed, &s.Version, &s.LineID, &product, &s.N, &learner, &s.Places, &s.Refund); err != nil {
			return nil, err
		}
		s.Placed = time.UnixMicro(placed)
		s.Buyer, s.Product = known(buyer), knownProduct(product)
		if learner != "" {
			s.Learner = known(learner)
		}
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

// Open tells whether somebody is still to be named.
func (s Seat) Open() bool { return s.Product.Learner() && s.Learner.ID == "" && s.Refund == "" }

// Place is which of the line's seats it is, for people to read.
func (s Seat) Place() string {
	if s.Places == 1 {
		return "the place"
	}
	return fmt.Sprintf("place %d of %d", s.N+1, s.Places)
}

// SeatForm gives a seat to somebody.
type SeatForm struct {
	Seat
	Members []Member
	// Action is where the form is sent.
	Action string
}

// Handing is the form for the seat.
func (s Seat) Handing(members []Member, action string) SeatForm { return SeatForm{s, members, action} }

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
