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

// Delivered says that a platform has accepted one push, so that the shop can send its own confirmation
// mail. An [Announcer] makes it.
type Delivered struct {
	// OrderID and LineIDs are those of the push.
	OrderID string
	LineIDs []string
	// Destination, Key and Kind are those of the push. Kind is [KindRegistration] or [KindAddOns].
	Destination, Key, Kind string
	// User is the attendee. Name and e-mail address are those of the push; they are deleted once this
	// message is delivered.
	User User
	// RemoteProductID is set for a registration, ShowKey and AddOnKeys for
	// add-ons.
	RemoteProductID string
	ShowKey         int64
	AddOnKeys       []int64
	// ProductURL is the one of the push's [Receipt]. Empty where the platform gave none that may be
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

// DecodeDelivered reads a message of kind [KindDelivered] in the shop's own destination. It returns
// [outbox.ErrNewerVersion] for a payload that a newer program wrote, which the destination returns in
// turn, and an [*InputError] for one that it cannot read.
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
	// To is the destination of the announcements, without the association's suffix: "mail" becomes
	// "mail/acme" for a push to "elevate/acme". Required; of the form [a-z0-9]+, at most 63 bytes. The
	// sender must have this destination: messages to one that it does not know wait, with an alarm.
	To string
	// Backfill announces the pushes of backfilled orders too. Defaults to false: nobody is mailed about
	// an old purchase.
	Backfill bool
}

// Announcer is a destination that wraps a platform's client and announces what was delivered. For each
// registration and each push of add-ons that Next delivered, or found done before, it stores one
// message of kind [KindDelivered] for the destination To, where the shop sends its own confirmation
// mail. Next delivers removals of add-ons and messages of other packages without an announcement.
//
// The announcement is stored by the statement that settles the push: it exists if and only if the push
// counts as delivered. Its key is made of To and of the push's destination and key, so each push has at
// most one, however often it is sent. It is then delivered like any message: at least once, always with
// the same key. A mail may go out twice when the shop's destination ends without an answer; to prevent
// that, give the key to the mail provider, or remember it. When announcements go out, and in which
// order, is not promised.
//
// A rebuilt push has a new key and is announced by itself; it replaces one that was not delivered. A
// list of add-ons that was split into several pushes has one announcement for each. A push that an
// operator marked done is not announced. An Announcer around an Announcer announces to both
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
	if cfg.To == Unmapped || cfg.To == Refunds {
		return nil, check.Bad("amsbridge", "AnnouncerConfig.To", "is a name that the hook uses itself")
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
	f := deliveredFacts{Destination: m.Destination, Key: m.Key, Kind: m.Kind, ProductURL: DecodeReceipt(res.Receipt).ProductURL}
	backfill, ok := f.read(m)
	if !ok || backfill && !a.cfg.Backfill {
		return res, nil
	}
	facts, _ := json.Marshal(f) // strings and numbers always encode
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

// read copies the facts of a push that is to be announced.
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
