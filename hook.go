package amsbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// HookConfig says how a [Hook] works.
type HookConfig struct {
	// Catalog says which products live where. Required.
	Catalog Catalog
	// Wake is called by [Hook.Wake], usually a sender's Wake. Defaults to
	// nothing, for a sender that runs elsewhere and polls.
	Wake func()
	// OnDefect says what happens to a line with defective data. Defaults to
	// [Park].
	OnDefect OnDefect
	// Elevate and Notified are the destinations' names, without the
	// association's suffix. Default to "elevate" and "notified".
	Elevate, Notified string
	// Seal encrypts what is stored of names and e-mail addresses; the senders need
	// it too, and before (see [outbox.Profiles]). Refunds and [Hook.Rebuild] open
	// with it what they make anew. Defaults to none: they are stored as they are
	// until delivery.
	Seal *outbox.Sealer
	// ProfileAtSend stores no name and no e-mail address: the senders look them up
	// when they send (see [LookUpProfile]), so that a late send carries the newest.
	// An order's users need their IDs alone, and names and addresses are not looked
	// at. Defaults to false.
	ProfileAtSend bool
	// TraceContext returns the W3C traceparent that travels with the messages.
	// Defaults to none.
	TraceContext func(context.Context) string
	// Logger is told, at Warn, of each message that is stored parked: it needs a
	// person, and no sender meets it. It is given no name and no e-mail address.
	// Defaults to [slog.Default].
	Logger *slog.Logger
}

// OnDefect says what happens to a line that no push can be made of.
type OnDefect uint8

const (
	// Park stores the line parked, with the field's name as the reason: a paid
	// order is never broken by one line's bad data, and never silently loses it.
	Park OnDefect = iota
	// Refuse makes OrderCompleted return a [*DefectError] and write nothing.
	Refuse
)

// DefectError says what no push can be made of. It is returned only with
// [Refuse]. It never holds the refused value.
type DefectError struct {
	LineID  string
	Field   string
	Problem string
}

// Error names line, field and problem.
func (e *DefectError) Error() string {
	return "amsbridge: line " + e.LineID + ": " + e.Field + " " + e.Problem
}

// Hook turns orders into outbox messages, in the shop's own transaction. Tx is
// the transaction type of the store that it was made with. It is safe for
// concurrent use.
type Hook[Tx any] struct {
	store outbox.Writer[Tx]
	cfg   HookConfig
}

// NewHook returns a hook on a store, or an [*InputError] that names the bad
// field.
func NewHook[Tx any](store outbox.Writer[Tx], cfg HookConfig) (*Hook[Tx], error) {
	if check.IsNil(store) {
		return nil, check.Bad("amsbridge", "store", "is nil, or holds a nil pointer")
	}
	if check.IsNil(cfg.Catalog) {
		return nil, check.Bad("amsbridge", "HookConfig.Catalog", "is nil, or holds a nil pointer")
	}
	if cfg.Elevate == "" {
		cfg.Elevate = "elevate"
	}
	if cfg.Notified == "" {
		cfg.Notified = "notified"
	}
	for _, f := range []struct{ field, name string }{{"Elevate", cfg.Elevate}, {"Notified", cfg.Notified}} {
		if err := outbox.CheckDestination(f.name + "/suffix"); err != nil {
			return nil, check.Bad("amsbridge", "HookConfig."+f.field, "is not of the form [a-z0-9]+")
		}
	}
	if cfg.Elevate == cfg.Notified {
		return nil, check.Bad("amsbridge", "HookConfig.Notified", "is the same as Elevate")
	}
	if cfg.OnDefect > Refuse {
		return nil, check.Bad("amsbridge", "HookConfig.OnDefect", "is neither Park nor Refuse")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Hook[Tx]{store: store, cfg: cfg}, nil
}

// Wake tells the sender that there is work. Call it once the transaction has
// committed; sqlstore.InTx does it for you.
func (h *Hook[Tx]) Wake() {
	if h.cfg.Wake != nil {
		h.cfg.Wake()
	}
}

// Queued is what became of an order.
type Queued struct {
	// Messages are the pushes that are on their way, or were before.
	Messages []QueuedMessage
	// LeftOut are the lines whose product lives on no platform.
	LeftOut []string
	// Parked are what needs a person: nothing of it will be sent before the data
	// or the mapping is mended and [Hook.Rebuild] is called.
	Parked []Parked
}

// QueuedMessage is one push.
type QueuedMessage struct {
	ID          outbox.ID
	Destination string
	Key         string
	Kind        string
	UserID      UserID
	LineIDs     []string
	// Duplicate is set when an earlier report of the order had stored it. It may
	// stand anywhere by now; [Standing] tells.
	Duplicate bool
}

// Parked is a line, or one attendee's part of it, that no push can be made of.
type Parked struct {
	ID      outbox.ID
	Key     string
	LineIDs []string
	// Reason names the field, in plain words, without its value.
	Reason string
	// Duplicate is set when an earlier report of the order had parked it.
	Duplicate bool
	// Cause is the catalogue's error where there was one. It is not stored.
	Cause error
}

// OrderCompleted stores the pushes of a paid order in the caller's transaction:
// one Registration for each line and attendee of a product on Elevate, and one
// AddOns for each person and show on Notified. They are sent if and only if the
// caller commits; commit and roll-back are the caller's. No platform is asked
// and nothing is locked that two orders share.
//
// Reporting an order again is harmless: what exists is reported as a duplicate.
// A line parked before stays parked; see [Hook.Rebuild].
//
// Errors: [*InputError] for the caller's mistakes (an order of more than 10,000
// pushes among them), [*DefectError] with
// [Refuse], [*outbox.ConflictError] when the order was reported before with
// other facts, [outbox.ErrNoTransaction], the context's end, or the database's.
// After all but the last, and a ConflictError that says otherwise, nothing is
// written and the transaction is usable.
func (h *Hook[Tx]) OrderCompleted(ctx context.Context, tx Tx, order Order) (*Queued, error) {
	p, err := h.plan(ctx, order)
	if err != nil {
		return nil, err
	}
	if h.cfg.OnDefect == Refuse {
		if d := p.firstDefect(); d != nil {
			return nil, d
		}
	}
	if p.hasParkedLines() {
		// Rare, so the extra round trip is spent only here: was the line stored
		// before, when its data was sound?
		if err := h.reconcile(ctx, tx, p); err != nil {
			return nil, err
		}
	}
	msgs := p.messages()
	inserted, err := h.insert(ctx, tx, msgs)
	var exists *outbox.ExistsError
	if errors.As(err, &exists) {
		// An earlier report parked lines that are sound now.
		if err := h.reconcile(ctx, tx, p); err != nil {
			return nil, err
		}
		msgs = p.messages()
		inserted, err = h.insert(ctx, tx, msgs)
	}
	if err != nil {
		return nil, err
	}
	return p.queued(msgs, inserted), nil
}

// insert stores messages, their profiles sealed or left out in place.
func (h *Hook[Tx]) insert(ctx context.Context, tx Tx, msgs []outbox.Message) ([]outbox.Inserted, error) {
	for i, m := range msgs {
		if h.cfg.ProfileAtSend {
			m.Profile = nil
		}
		msgs[i] = h.cfg.Seal.Seal(m)
	}
	inserted, err := h.store.InsertTx(ctx, tx, msgs...)
	if err != nil {
		return nil, err
	}
	for i, m := range msgs {
		if m.Born == outbox.StateParked && !inserted[i].Duplicate {
			h.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "amsbridge: a message will be parked if the transaction commits",
				slog.String("destination", m.Destination), slog.String("key", m.Key),
				slog.String("subject", m.Subject), slog.String("reason", m.Reason))
		}
	}
	return inserted, nil
}

// opened returns a stored message as its profile was before it was sealed, for
// making it anew.
func (h *Hook[Tx]) opened(m outbox.Message) (outbox.Message, error) {
	if h.cfg.ProfileAtSend {
		return factsOf(m), nil
	}
	opened, err := h.cfg.Seal.Open(m)
	if err != nil {
		return opened, fmt.Errorf("amsbridge: message %d: %w", m.ID, err)
	}
	return opened, nil
}

// reconcile leaves out of a plan what an earlier report of the order stored in
// another form.
func (h *Hook[Tx]) reconcile(ctx context.Context, tx Tx, p *plan) error {
	records, err := h.store.FindTx(ctx, tx, outbox.Query{Subject: p.order.ID, Limit: maxRecords})
	if err != nil {
		return err
	}
	return p.reconcile(records)
}

// maxRecords is the most messages of one order that are looked at.
const maxRecords = 10_000
