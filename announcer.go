package amsbridge

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// KindDelivered is the kind of message that a [Delivered] is.
const KindDelivered = "delivered"

// Delivered says that a platform has one push, for the shop's own confirmation
// mail or the like. An [Announcer] makes it.
type Delivered struct {
	// OrderID and LineIDs are the push's.
	OrderID string
	LineIDs []string
	// Destination, Key and Kind are the push's: one of [KindRegistration] and
	// [KindAddOns].
	Destination, Key, Kind string
	// User is the attendee. Name and e-mail are those of the push, and empty once
	// this message was delivered.
	User User
	// RemoteProductID is set for a registration, ShowKey and AddOnKeys for
	// add-ons.
	RemoteProductID string
	ShowKey         int64
	AddOnKeys       []int64
	// ProductURL is the receipt's. Empty where the platform gave none that may be
	// stored.
	ProductURL string
}

type deliveredFacts struct {
	UserID          string  `json:"user_id"`
	Destination     string  `json:"destination"`
	Key             string  `json:"key"`
	Kind            string  `json:"kind"`
	RemoteProductID string  `json:"remote_product_id,omitempty"`
	ShowKey         int64   `json:"show_key,omitempty"`
	AddOnKeys       []int64 `json:"add_on_keys,omitempty"`
	ProductURL      string  `json:"product_url,omitempty"`
}

// DecodeDelivered reads a message of kind [KindDelivered], as the shop's own
// destination does. It returns [outbox.ErrNewerVersion] for a payload that a
// newer program wrote, which the destination passes on, and an [*InputError]
// for one that it cannot read.
func DecodeDelivered(m outbox.Message) (Delivered, error) {
	f, p, err := decode[deliveredFacts](&m, KindDelivered)
	if err != nil {
		return Delivered{}, err
	}
	return Delivered{
		OrderID: m.Subject, LineIDs: m.Items, Destination: f.Destination, Key: f.Key, Kind: f.Kind, User: p.user(f.UserID),
		RemoteProductID: f.RemoteProductID, ShowKey: f.ShowKey, AddOnKeys: f.AddOnKeys, ProductURL: f.ProductURL,
	}, nil
}

// AnnouncerConfig sets up an [Announcer].
type AnnouncerConfig struct {
	// Next delivers the pushes: a platform's client. Required.
	Next outbox.Destination
	// To is the destination of the announcements, without the association's
	// suffix, which they take over from the push: "mail" makes "mail/acme" of
	// "elevate/acme". Required; of the form [a-z0-9]+, at most 63 bytes. The
	// sender must know it: those of a destination that no program knows wait,
	// with an alarm.
	To string
	// Backfill announces the pushes of backfilled orders too. Defaults to false:
	// nobody is mailed about what was bought long ago.
	Backfill bool
}

// Announcer is a platform's destination that announces what was delivered: with
// each registration and each push of add-ons that Next delivered, or found done
// before, it leaves one message of kind [KindDelivered] to the destination To.
// That is where the shop sends its own confirmation mail. What takes add-ons
// away, and what is not a push of this package's, is delivered by Next alone.
//
// The announcement is stored by the statement that settles the push: it exists
// if and only if the push counts as delivered. Its key is made of To and of the
// push's destination and key, so that there is one for each push for ever,
// however often the push was sent. It is then a message like any other: it is
// delivered at least once, always with the same key, so a mail may go out twice
// when the shop's destination ends without an answer; give the key to the mail
// provider, or keep it, where that must not be. When it goes out, and in which
// order with those of other pushes, is not promised.
//
// Each push is announced by itself: a rebuilt one has a new key and replaces one
// that was not delivered, and a list of add-ons that was too long for one push
// is announced by its parts. What an operator marked done is not announced. An
// Announcer around an Announcer announces to both. It is safe for concurrent
// use.
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
	if cfg.To == Unmapped || cfg.To == Refunds {
		return nil, check.Bad("amsbridge", "AnnouncerConfig.To", "is a name that the hook uses itself")
	}
	return &Announcer{cfg}, nil
}

// Deliver lets Next deliver the push, and adds the announcement to the
// follow-ups of a success. Result and error are Next's otherwise.
func (a *Announcer) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	res, err := a.cfg.Next.Deliver(ctx, m)
	if err != nil {
		return res, err
	}
	f := deliveredFacts{Destination: m.Destination, Key: m.Key, Kind: m.Kind, ProductURL: DecodeReceipt(res.Receipt).ProductURL}
	backfill, ok := f.read(m)
	if !ok || backfill && !a.cfg.Backfill {
		return res, nil
	}
	facts, _ := json.Marshal(f) // texts and numbers cannot fail
	to := a.cfg.To
	if _, association, found := strings.Cut(m.Destination, "/"); found {
		to += "/" + association
	}
	parts := []string{to, m.Destination, m.Key, KindDelivered}
	res.Then = append(slices.Clone(res.Then), outbox.Message{
		Destination: to, Key: keyOf(parts...), KeyParts: parts, Kind: KindDelivered, Version: payloadVersion,
		Person: m.Person, Subject: m.Subject, Items: m.Items, Facts: facts, Profile: m.Profile, TraceContext: m.TraceContext,
	})
	return res, nil
}

// read takes over the facts of a push that is to be announced.
func (f *deliveredFacts) read(m outbox.Message) (backfill, ok bool) {
	switch m.Kind {
	case KindRegistration:
		r, err := DecodeRegistration(m)
		f.UserID, f.RemoteProductID = string(r.User.ID), r.RemoteProductID
		return r.Backfill, err == nil
	case KindAddOns:
		a, err := DecodeAddOns(m)
		f.UserID, f.ShowKey, f.AddOnKeys = string(a.User.ID), a.ShowKey, a.Keys()
		return a.Backfill, err == nil
	}
	return false, false
}
