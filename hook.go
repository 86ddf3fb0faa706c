package amsbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// HookConfig configures a [Hook].
type HookConfig struct {
	// Catalog says which products live on which platform. Required.
	Catalog Catalog
	// Wake is called by [Hook.Wake]; set it to the sender's Wake. Defaults to none, for a sender that
	// runs in another process and polls.
	Wake func()
	// OnDefect says what happens to a line with defective data. Defaults to
	// [Park].
	OnDefect OnDefect
	// Elevate and Notified are the names of the destinations, without the association's suffix. They
	// default to "elevate" and "notified".
	Elevate, Notified string
	// Seal encrypts stored names and e-mail addresses. The senders need it too, and must have it first
	// (see [outbox.Profiles]). Refunds and [Hook.Rebuild] use it to open stored messages. Defaults to
	// none: names and addresses are stored in plain text until delivery.
	Seal *outbox.Sealer
	// ProfileAtSend stores no name and no e-mail address: the sender looks them up when it sends (see
	// [LookUpProfile]), so that a late message carries the newest. The order's users then need only
	// their IDs; names and addresses are ignored. Defaults to false.
	ProfileAtSend bool
	// TraceContext returns the W3C traceparent to store with the messages. Defaults to none.
	TraceContext func(context.Context) string
	// Logger gets a Warn record for each message that is stored parked, since a person must act on it.
	// The record holds no name and no e-mail address. Defaults to [slog.Default].
	Logger *slog.Logger
}

// OnDefect says what happens to a line that no push can be made of.
type OnDefect uint8

const (
	// Park stores the line parked, with the field's name as the reason. One line's bad data then
	// neither breaks a paid order nor gets lost.
	Park OnDefect = iota
	// Refuse makes OrderCompleted return a [*DefectError] and write nothing.
	Refuse
)

// DefectError says why no push can be made of a line. It is returned only with [Refuse], and never
// holds the refused value.
type DefectError struct {
	LineID  string
	Field   string
	Problem string
}

// Error names line, field and problem.
func (e *DefectError) Error() string {
	return "amsbridge: line " + e.LineID + ": " + e.Field + " " + e.Problem
}

// Hook turns orders into outbox messages in the shop's own transaction. Tx is the transaction type of
// its store. It is safe for concurrent use.
type Hook[Tx any] struct {
	store outbox.Writer[Tx]
	cfg   HookConfig
}

// NewHook returns a hook that writes to a store, or an [*InputError] that names the bad field.
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

// Wake tells the sender that there is work. Call it after the commit; sqlstore.InTx calls it for you.
func (h *Hook[Tx]) Wake() {
	if h.cfg.Wake != nil {
		h.cfg.Wake()
	}
}

// Queued says what became of an order's lines.
type Queued struct {
	// Messages are the order's pushes, those of earlier reports included.
	Messages []QueuedMessage
	// LeftOut are the lines whose product lives on no platform.
	LeftOut []string
	// Parked are the parts that need a person. They are not sent until the data or the mapping is
	// mended and [Hook.Rebuild] is called.
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
	// Duplicate is set when an earlier report of the order stored the push. It may be in any state by
	// now; see [Standing].
	Duplicate bool
}

// Parked is a line, or one attendee's part of it, that no push can be made of.
type Parked struct {
	ID      outbox.ID
	Key     string
	LineIDs []string
	// Reason names the bad field in plain words, without its value.
	Reason string
	// Duplicate is set when an earlier report of the order had parked it.
	Duplicate bool
	// Cause is the catalogue's error, if any. It is not stored.
	Cause error
}

// OrderCompleted stores the pushes of a paid order in the caller's transaction: one Registration for
// each line and attendee of a product on Elevate, and one AddOns for each person and show on Notified.
// They are sent if and only if the caller commits. It calls no platform, and locks nothing that two
// orders share.
//
// Reporting an order again is harmless: messages that exist are reported as duplicates. A parked line
// stays parked; see [Hook.Rebuild].
//
// It returns an [*InputError] for the caller's mistakes (an order of more than 10,000 pushes among
// them), a [*DefectError] with [Refuse], an [*outbox.ConflictError] when the order was reported before
// with other facts, [outbox.ErrNoTransaction], the context's error, or the database's. After a database
// error, or a ConflictError with MustRollBack set, roll back; after any other, nothing is written and
// the transaction is usable.
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
		// The line may have been stored before, when its data was sound. Parked lines are rare, so only
		// they cost this extra round trip.
		if err := h.reconcile(ctx, tx, p); err != nil {
			return nil, err
		}
	}
	msgs := p.messages()
	inserted, err := h.insert(ctx, tx, msgs)
	var exists *outbox.ExistsError
	if errors.As(err, &exists) {
		// An earlier report parked lines whose data is sound now.
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

// insert stores messages. It changes msgs: their profiles are sealed, or removed for ProfileAtSend.
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

// opened returns a stored message with its profile decrypted, so that a new message can be made of it.
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

// reconcile removes from a plan what an earlier report of the order stored in another form.
func (h *Hook[Tx]) reconcile(ctx context.Context, tx Tx, p *plan) error {
	records, err := h.store.FindTx(ctx, tx, outbox.Query{Subject: p.order.ID, Limit: maxRecords})
	if err != nil {
		return err
	}
	return p.reconcile(records)
}

// maxRecords is how many messages of one order are read at most.
const maxRecords = 10_000
