package amsbridge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

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
	// Elevate and Notified are the names of the destinations, without the association's suffix. They
	// default to "elevate" and "notified".
	Elevate, Notified string
	// Seal encrypts stored names and e-mail addresses. The senders need it too, and must have it first
	// (see [outbox.Profiles]). Defaults to none: names and addresses are stored in plain text until
	// delivery.
	Seal *outbox.Sealer
	// ProfileAtSend stores no name and no e-mail address: the sender looks them up when it sends (see
	// [LookUpProfile]), so that a late message carries the newest. The order's users then need only
	// their IDs; names and addresses are ignored. Defaults to false.
	ProfileAtSend bool
	// FirstSeatIsBuyers gives the first seat of a line without attendees to the buyer, whatever its
	// quantity. Defaults to false: only a line of one is the buyer's, and the seats of others are open.
	FirstSeatIsBuyers bool
	// NetQuantities says that the shop subtracts refunded seats from [Line].Quantity. Defaults to false:
	// quantities are as bought.
	NetQuantities bool
	// SwapsByHand makes a task of a swap of attendees, and of an exchange of a line's product. Defaults
	// to false: with a rising version the new are given their items, and the old lose theirs.
	SwapsByHand bool
	// TraceContext returns the W3C traceparent to store with the messages. Defaults to none.
	TraceContext func(context.Context) string
	// Logger gets a Warn record for each entry of a report that needs staff. The record holds no name,
	// no e-mail address and no user ID. Defaults to [slog.Default].
	Logger *slog.Logger
	// Now is the clock by which an [Order].UpdatedAt lies in the future. Defaults to [time.Now].
	Now func() time.Time
}

// Hook turns orders into outbox messages in the shop's own transaction. Tx is the transaction type of
// its store. It is safe for concurrent use.
//
// Its calls only insert: they update and lock no row that was there before, so the checkout's role needs
// the rights to INSERT and SELECT alone, and nothing that a sender does waits for a shop's open
// transaction. Of two calls about one order at the same moment one waits for the other's commit, and
// both end as if one came after the other. Call the hook after the shop's own write of the order. On
// PostgreSQL at REPEATABLE READ or SERIALIZABLE such a call may fail with error 40001, and on MariaDB
// with 1213, 1205 or 1020: roll back and try again, as with the shop's own conflicts. Two orders in one
// transaction, and in the opposite order in another, can deadlock: use [Hook.OrdersCompleted], which sorts.
//
// All calls return [*InputError] for a programmer's mistakes and [outbox.ErrNoTransaction], after which
// nothing is written and the transaction is usable; and the context's end, or the database's error, after
// which the transaction must be rolled back. What data can cause is no error: it is told in the [Report].
// Commit and roll-back are the caller's, as is a call of [Hook.Wake] after the commit.
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
		if err := outbox.CheckDestination(f.name + "/" + strings.Repeat("x", 64)); err != nil {
			return nil, check.Bad("amsbridge", "HookConfig."+f.field, "is not of the form [a-z0-9]+, at most 63 bytes")
		}
	}
	if cfg.Elevate == cfg.Notified {
		return nil, check.Bad("amsbridge", "HookConfig.Notified", "is the same as Elevate")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Hook[Tx]{store: store, cfg: cfg}, nil
}

// Wake tells the sender that there is work. Call it after the commit; sqlstore.InTx calls it for you.
func (h *Hook[Tx]) Wake() {
	if h.cfg.Wake != nil {
		h.cfg.Wake()
	}
}

// OrderCompleted says what a paid order is now. The shop calls it when the order is completed, and again
// whenever it likes: after each change of the order, for each webhook, or for all orders every night.
// Each report is compared with the last, and what is new is given, in messages that are sent if and only
// if the caller commits. The guide "Orders change" (docs/orders.md) has each rule with its example.
//
// A first report takes one round trip to the database (more on MariaDB), and a repeat that changes
// nothing two.
func (h *Hook[Tx]) OrderCompleted(ctx context.Context, tx Tx, order Order) (*Report, error) {
	if err := order.check(); err != nil {
		return nil, err
	}
	return h.call(ctx, tx, order, true, func(c *change) error { return c.compare() })
}

// OrdersCompleted reports several orders in one transaction, in an order in which two such calls cannot
// deadlock. It returns their reports in the order of the arguments.
func (h *Hook[Tx]) OrdersCompleted(ctx context.Context, tx Tx, orders ...Order) ([]*Report, error) {
	at := make([]int, len(orders))
	for i, order := range orders {
		if err := order.check(); err != nil {
			return nil, check.Renamed(err, "amsbridge", "Order", fmt.Sprintf("orders[%d]", i))
		}
		at[i] = i
	}
	key := func(i int) []byte { return outbox.EntryKey(orders[i].Association, orders[i].ID) }
	slices.SortStableFunc(at, func(a, b int) int { return bytes.Compare(key(a), key(b)) })
	reports := make([]*Report, len(orders))
	for _, i := range at {
		var err error
		if reports[i], err = h.OrderCompleted(ctx, tx, orders[i]); err != nil {
			return nil, err
		}
	}
	return reports, nil
}

// rounds is how often a call starts over because another one on the same order came first.
const rounds = 20

var errBusy = errors.New("amsbridge: the order keeps changing: roll back and report it again")

// call compares with the last entry and appends the next one, until nobody else came in between. A blind
// call first takes it that there is no entry yet.
func (h *Hook[Tx]) call(ctx context.Context, tx Tx, order Order, blind bool, fill func(*change) error) (*Report, error) {
	subject := outbox.CutText(order.ID, outbox.MaxSubject)
	look := lookUpOnce(ctx, h.cfg.Catalog)
	var last outbox.Entry
	met := 0
	for range rounds {
		if !blind {
			var err error
			if last, err = h.store.LastEntryTx(ctx, tx, order.Association, subject, met); err != nil {
				return nil, err
			}
		}
		c, err := h.changed(ctx, tx, order, last, look, fill)
		if err != nil {
			return nil, err
		}
		e, changed := c.entry(subject)
		switch {
		case !changed && blind: // there may be an entry all the same
			blind = false
			continue
		case !changed:
			h.log(ctx, order, c.report)
			return c.report, nil
		}
		appended, err := h.append(ctx, tx, e, c.msgs)
		if err != nil {
			return nil, err
		}
		if appended {
			h.log(ctx, order, c.report)
			return c.report, nil
		}
		blind, met = false, e.N
	}
	return nil, errBusy
}

// append stores an entry and its messages, however many.
func (h *Hook[Tx]) append(ctx context.Context, tx Tx, e outbox.Entry, msgs []outbox.Message) (bool, error) {
	first := msgs[:min(len(msgs), outbox.MaxMessages)]
	appended, err := h.store.AppendTx(ctx, tx, e, first...)
	if err != nil || !appended {
		return false, err
	}
	for rest := range slices.Chunk(msgs[len(first):], outbox.MaxMessages) {
		if _, err := h.store.InsertTx(ctx, tx, rest...); err != nil {
			return false, err
		}
	}
	return true, nil
}

// log says what needs staff.
func (h *Hook[Tx]) log(ctx context.Context, order Order, r *Report) {
	for _, e := range r.NeedsStaff() {
		h.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "amsbridge: an order needs a person, if the transaction commits",
			slog.String("association", order.Association), slog.String("order", outbox.CutText(order.ID, outbox.MaxSubject)),
			slog.String("line", outbox.CutText(e.LineID, 255)), slog.String("destination", e.Destination),
			slog.String("key", e.Key), slog.String("reason", e.Text))
	}
}

// newChange begins a change of the order as an entry has it.
func (h *Hook[Tx]) newChange(ctx context.Context, order Order, last outbox.Entry) (*change, error) {
	st, err := decodeOrder(last)
	if err != nil {
		return nil, err
	}
	c := &change{cfg: h.cfg, order: order, last: last, st: st, report: &Report{}, erased: map[string]bool{}}
	for _, key := range last.Erased {
		c.erased[key] = true
	}
	if h.cfg.TraceContext != nil {
		// A traceparent has 55 characters; an odd one must not break a checkout.
		if c.trace = h.cfg.TraceContext(ctx); check.Text(c.trace, 256) != "" {
			c.trace = ""
		}
	}
	return c, nil
}
