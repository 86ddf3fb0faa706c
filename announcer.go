package amsbridge

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// KindDelivered is the message kind of [Delivered].
const KindDelivered = "delivered"

// Delivered says that a platform has accepted one grant, so that the shop can send its own confirmation
// mail. An [Announcer] makes it.
type Delivered struct {
	// OrderID and LineID are those of the grant.
	OrderID, LineID string
	// Destination and Key are those of the grant's message.
	Destination, Key string
	// User is the attendee. Name and e-mail address are those of the grant; they are deleted once this
	// message is delivered.
	User User
	// Item is what was given.
	Item Item
	// ProductURL is the one of the grant's [Receipt]. Empty where the platform gave none that may be
	// stored.
	ProductURL string
}

type deliveredFacts struct {
	UserID      string `json:"user_id"`
	Destination string `json:"destination"`
	Key         string `json:"key"`
	Item        Item   `json:"item"`
	ProductURL  string `json:"product_url,omitempty"`
}

// DecodeDelivered reads a message of kind [KindDelivered] in the shop's own destination. It returns
// [outbox.ErrNewerVersion] for a payload that a newer program wrote, which the destination returns in
// turn, and an [*InputError] for one that it cannot read.
func DecodeDelivered(m outbox.Message) (Delivered, error) {
	f, p, err := decode[deliveredFacts](m, KindDelivered)
	if err != nil {
		return Delivered{}, err
	}
	d := Delivered{
		OrderID: m.Subject, Destination: f.Destination, Key: f.Key, User: p.user(f.UserID), Item: f.Item, ProductURL: f.ProductURL,
	}
	if len(m.Items) > 0 {
		d.LineID = m.Items[0]
	}
	return d, nil
}

// AnnouncerConfig sets up an [Announcer].
type AnnouncerConfig struct {
	// Next delivers the grants: what [NewDestination] returned. Required.
	Next outbox.Destination
	// To is the destination of the announcements, without the association's suffix: "mail" becomes
	// "mail/acme" for a grant at "elevate/acme". Required; of the form [a-z0-9]+, at most 63 bytes. The
	// sender must have this destination: messages to one that it does not know wait, with an alarm.
	To string
	// Backfill announces the grants of backfilled orders too. Defaults to false: nobody is mailed about
	// an old purchase.
	Backfill bool
}

// Announcer is a destination that wraps a platform's and announces what was delivered. For each give that
// Next delivered, or found done before, it stores one message of kind [KindDelivered] for the
// destination To, where the shop sends its own confirmation mail. Next delivers takes and messages of
// other packages without an announcement.
//
// The announcement is stored by the statement that settles the give: it exists if and only if the give
// counts as delivered. Its key is made of To and of the give's destination and key, so each give has at
// most one, however often it is sent. It is then delivered like any message: at least once, always with
// the same key. A mail may go out twice when the shop's destination ends without an answer; to prevent
// that, give the key to the mail provider, or remember it. When announcements go out, and in which
// order, is not promised.
//
// A give that was not sent any more is not announced, nor is one that an operator marked done. An
// Announcer around an Announcer announces to both
// destinations. It is safe for concurrent use.
type Announcer struct{ cfg AnnouncerConfig }

var _ outbox.Destination = (*Announcer)(nil)

// NewAnnouncer returns an announcer, or an [*InputError] that names the bad
// field.
func NewAnnouncer(cfg AnnouncerConfig) (*Announcer, error) {
	if check.IsNil(cfg.Next) {
		return nil, check.Bad("amsbridge", "AnnouncerConfig.Next", "is nil")
	}
	if err := outbox.CheckDestination(cfg.To + "/" + strings.Repeat("x", 64)); err != nil {
		return nil, check.Bad("amsbridge", "AnnouncerConfig.To", "is not of the form [a-z0-9]+, at most 63 bytes")
	}
	return &Announcer{cfg}, nil
}

// Deliver calls Next and adds the announcement to the follow-ups of a success. Result and error are
// otherwise those of Next.
func (a *Announcer) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	res, err := a.cfg.Next.Deliver(ctx, m)
	if err != nil {
		return res, err
	}
	if m.Kind != KindGive || res.Ended != 0 {
		return res, nil
	}
	g, err := DecodeGrant(m)
	if err != nil || g.Backfill && !a.cfg.Backfill {
		return res, nil //nolint:nilerr // what Next could deliver counts as delivered
	}
	facts, _ := json.Marshal(deliveredFacts{ // strings and numbers always encode
		UserID: string(g.User.ID), Destination: m.Destination, Key: m.Key, Item: g.Item, ProductURL: DecodeReceipt(res.Receipt).ProductURL,
	})
	to := a.cfg.To + suffix(m.Association())
	parts := []string{to, m.Destination, m.Key, KindDelivered}
	res.Then = append(slices.Clone(res.Then), outbox.Message{
		Destination: to, Key: keyOf(parts...), KeyParts: parts, Kind: KindDelivered, Version: payloadVersion,
		Person: m.Person, Subject: m.Subject, Items: m.Items, Facts: facts, Profile: m.Profile, TraceContext: m.TraceContext,
	})
	return res, nil
}
