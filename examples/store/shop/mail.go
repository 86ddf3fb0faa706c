package shop

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// Mailer is the shop's own destination: it takes what amsbridge's Announcer
// says was delivered, and mails the learner. Here a mail is a row that the page
// "Mail" shows.
type Mailer struct{ DB *Database }

var _ outbox.Destination = Mailer{}

// Deliver sends one mail, once: the key of an announcement never changes.
func (m Mailer) Deliver(ctx context.Context, message outbox.Message) (outbox.Result, error) {
	d, err := amsbridge.DecodeDelivered(message)
	switch {
	case errors.Is(err, outbox.ErrNewerVersion):
		return outbox.Result{}, err // a newer program of ours will read it
	case err != nil:
		return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "this is no announcement"}
	}
	platform, _, _ := strings.Cut(d.Destination, "/")
	_, err = m.DB.ExecContext(ctx, `INSERT INTO shop_mail (key, member, order_id, line_id, platform, page, sent_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (key) DO NOTHING`,
		message.Key, string(d.User.ID), d.OrderID, d.LineID, platform, productPath(d.ProductURL), time.Now().UnixMicro())
	if err != nil {
		return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable, Reason: "the mail could not be stored"}
	}
	return outbox.Result{}, nil
}

// Letter is a mail as its page shows it.
type Letter struct {
	To       Member
	Sent     time.Time
	Platform string
	// Page is the product's at the platform, where it gave one.
	Page    string
	OrderID string
	Seats   []Seat
}

// lettersTo returns a member's mails, the latest first.
func lettersTo(ctx context.Context, db *Database, member Member) (letters []Letter, err error) {
	bought, err := seatsFor(ctx, db, member.ID)
	if err != nil {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, `SELECT order_id, line_id, platform, page, sent_at FROM shop_mail WHERE member = $1 ORDER BY sent_at DESC, key`, string(member.ID))
	if err != nil {
		return nil, fmt.Errorf("look up the mails: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		l := Letter{To: member}
		var line string
		var sent int64
		if err := rows.Scan(&l.OrderID, &line, &l.Platform, &l.Page, &sent); err != nil {
			return nil, err
		}
		l.Sent = time.UnixMicro(sent)
		for _, s := range bought {
			if s.OrderID == l.OrderID && s.LineID == line {
				l.Seats = append(l.Seats, s)
			}
		}
		letters = append(letters, l)
	}
	return letters, rows.Err()
}

// WalkIn leads into what the mail is about.
func (l Letter) WalkIn() string {
	if len(l.Seats) == 0 {
		return "/learning"
	}
	return WalkIn(l.Platform, l.Seats[0].Product.ID, l.Page)
}
