package amsbridge

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// Refund is what a shop says once lines of an order were paid back.
type Refund struct {
	// ID is the refund's own ID, stable for ever: the same in each report of it,
	// and another in each refund of the order. Required: 1 to 255 bytes of UTF-8
	// without control characters.
	ID string
	// OrderID and Association are the order's, as [Hook.OrderCompleted] was told.
	OrderID     string
	Association string
	// LineIDs are the refunded lines, at most 10,000. Empty means all lines of
	// the order that are stored by now.
	LineIDs []string
	// Attendees narrow the refund to the places of these people on those lines,
	// at most 10,000. Empty means everybody's.
	Attendees []UserID
}

// Refunded is what became of a refund. Each list tells of one push and the
// refunded lines that it concerns; a line may be in several, for each of its
// attendees and platforms.
type Refunded struct {
	// Withdrawn were never sent, and never will be. Parked lines are among them.
	Withdrawn []TakenBack
	// Requeued are the pushes made anew for what was not refunded of a withdrawn
	// push: other lines of the same person and show. One that was parked is
	// parked again.
	Requeued []QueuedMessage
	// Removals are the messages of kind [KindRemoveAddOns] that take add-ons away
	// again, once the push that adds them was settled.
	Removals []TakenBack
	// Tasks are the messages of kind [KindRefundTask], which a person must do by
	// hand; Reason says what.
	Tasks []TakenBack
	// Kept stay on the platform, since another line or order of the same person
	// brings the same; Reason says what.
	Kept []TakenBack
	// Nothing is left to take back of these; Reason says why. Key, Destination
	// and UserID are empty for a line of which nothing is stored.
	Nothing []TakenBack
}

// TakenBack is what became of one push, or of a part of it.
type TakenBack struct {
	// ID, Destination, Key and Kind are those of the withdrawn push, of the
	// removal or task, or of the push that stays.
	ID          outbox.ID
	Destination string
	Key         string
	Kind        string
	UserID      UserID
	LineIDs     []string
	// Reason says why, in plain words; for what was withdrawn, why it was parked
	// or waited, if it did.
	Reason string
	// Duplicate is set when an earlier report of this refund had done it.
	Duplicate bool
}

// rounds is how often a refund starts over because something else about the
// order was committed meanwhile.
const rounds = 10

var errBusy = errors.New("amsbridge: the order's messages keep changing: roll back and report the refund again")

// OrderRefunded takes back, in the caller's transaction, what an order's
// refunded lines brought. It writes rows of that order alone; of other orders
// of the same people it reads what they bring.
//
//   - What no platform can have received is withdrawn. Where a push to Notified
//     is for other lines too, it is made anew without the refunded ones.
//   - Add-ons that Notified may have are removed by a message of kind
//     [KindRemoveAddOns], which waits until their adding was settled. Those that
//     another line or order of the same person brings to the same show stay.
//   - The registration that [Product] asked Notified for stays, since taking it
//     back would delete the person there. Where a refunded line brought nothing
//     else, and no other line of the person is for that show, it is a task.
//   - No API for cancelling a registration on Elevate is known: it is a task,
//     unless another line or order registers the same person for the same product.
//   - A push to Notified that was refused and then withdrawn is a task as well,
//     for a part of it may have been done before the refusal.
//
// A removal whose adding is parked is parked with it, "waits for" its key; when
// an operator discards the adding, marks it done or sends it again, the removal
// goes on. Rebuilding and reporting the order again do not bring back what was
// refunded. A message that tells the shop of a delivery (see [Announcer]) is
// left alone.
//
// Commit and roll-back are the caller's, as is a call of [Hook.Wake] once it is
// committed. Each person of the refunded lines costs a look-up of what they have.
//
// The same refund reported again writes nothing new and is told as duplicates;
// lines that its first report did not name are refunded too. Of lines that
// another refund took back nothing is left. A refund is kept as messages of
// kind [KindRefund], withdrawn at once: refunds of one order and person go one
// after another on a database, the later waiting for the earlier's commit.
//
// What is not promised. Two refunds at the same moment, of two orders that bring
// one person the same, each see the other order's as still paid for: it stays
// until one of them is reported again. A purchase that is stored while a removal
// of the same add-ons still waits (or at the same moment) does not stop it, and
// may be delivered before it. A line that was not stored (its product lived on
// no platform, or the order was not reported yet) is stored by a later report of
// the order, refunded or not.
//
// Errors: [*InputError] for the caller's mistakes and [outbox.ErrNoTransaction],
// after which nothing is written and the transaction is usable;
// [outbox.ErrNewerVersion] for messages that a newer program wrote;
// [outbox.ErrSealUnknown], [outbox.ErrSealBroken] and [outbox.ErrNotSealed] where
// the profile of a push that is to be made anew, or of one whose add-ons are to
// be removed, does not open (once it was parked, [Hook.Rebuild] mends that); the
// context's end, or the database's. After those roll back and report it again.
func (h *Hook[Tx]) OrderRefunded(ctx context.Context, tx Tx, refund Refund) (*Refunded, error) {
	if err := refund.check(); err != nil {
		return nil, err
	}
	r := newRefunding(refund, h.opened)
	if err := h.withdraw(ctx, tx, r); err != nil {
		return nil, err
	}
	for person := range r.refundedPeople() {
		theirs, err := h.findAll(ctx, tx, outbox.Query{Person: person})
		if err != nil {
			return nil, err
		}
		if err := r.readPerson(theirs); err != nil {
			return nil, err
		}
	}
	if err := r.plan(); err != nil {
		return nil, err
	}
	if err := h.insertMade(ctx, tx, r); err != nil {
		return nil, err
	}
	return &r.done, nil
}

// withdraw records the refund and withdraws what was never sent. It starts over
// when a message left the queue between being read and being locked.
func (h *Hook[Tx]) withdraw(ctx context.Context, tx Tx, r *refunding) error {
	for range rounds {
		if err := h.record(ctx, tx, r); err != nil {
			return err
		}
		open := r.open()
		if len(open) == 0 {
			return nil
		}
		became, err := h.store.WithdrawTx(ctx, tx, open...)
		if err != nil {
			return err
		}
		moved := false
		for i, id := range open {
			if became[i] == outbox.Withdrawn || became[i] == outbox.WithdrawInFlight {
				r.became[id] = became[i]
			} else {
				moved = true
			}
		}
		if !moved {
			return nil
		}
	}
	return errBusy
}

// record reads the order and stores which of its seats this refund gives back,
// until there is none that is not on record.
func (h *Hook[Tx]) record(ctx context.Context, tx Tx, r *refunding) error {
	for range rounds {
		found, err := h.findAll(ctx, tx, outbox.Query{Subject: r.OrderID})
		if err != nil {
			return err
		}
		if err := r.read(found); err != nil {
			return err
		}
		records, err := r.records()
		if err != nil || len(records) == 0 {
			return err
		}
		inserted, err := h.store.InsertTx(ctx, tx, records...)
		if err != nil {
			return err
		}
		var own []outbox.ID
		for i, in := range inserted {
			if in.Duplicate { // another refund's, committed meanwhile
				continue
			}
			own = append(own, in.ID)
			for _, line := range records[i].Items {
				r.fresh[seatOf(records[i], line)] = true
			}
		}
		if _, err := h.store.WithdrawTx(ctx, tx, own...); err != nil {
			return err
		}
	}
	return errBusy
}

// insertMade stores what the refund made, and tells of it.
func (h *Hook[Tx]) insertMade(ctx context.Context, tx Tx, r *refunding) error {
	trace := ""
	if h.cfg.TraceContext != nil {
		if trace = h.cfg.TraceContext(ctx); check.Text(trace, 256) != "" {
			trace = ""
		}
	}
	for made := range slices.Chunk(r.made, outbox.MaxMessages) {
		msgs := make([]outbox.Message, len(made))
		for i, m := range made {
			msgs[i] = m.msg
			msgs[i].TraceContext = trace
		}
		inserted, err := h.insert(ctx, tx, msgs)
		if err != nil {
			return err
		}
		r.told(made, inserted)
	}
	return nil
}

// findAll returns all messages that match, however many.
func (h *Hook[Tx]) findAll(ctx context.Context, tx Tx, q outbox.Query) ([]outbox.Record, error) {
	var all []outbox.Record
	q.Limit = maxRecords
	for {
		page, err := h.store.FindTx(ctx, tx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < q.Limit {
			return all, nil
		}
		q.AfterID = page[len(page)-1].ID
	}
}

// check finds the caller's mistakes.
func (r Refund) check() error {
	if s := check.Text(r.ID, 255); s != "" {
		return check.Bad("amsbridge", "Refund.ID", s)
	}
	if s := check.Text(r.OrderID, outbox.MaxSubject); s != "" {
		return check.Bad("amsbridge", "Refund.OrderID", s)
	}
	if err := (Order{ID: r.OrderID, Association: r.Association}).check(); err != nil {
		return check.Bad("amsbridge", "Refund.Association", "is not of the form [A-Za-z0-9._-]{1,64}")
	}
	if len(r.LineIDs) > outbox.MaxItems {
		return check.Bad("amsbridge", "Refund.LineIDs", fmt.Sprintf("are more than %d", outbox.MaxItems))
	}
	if len(r.Attendees) > outbox.MaxItems {
		return check.Bad("amsbridge", "Refund.Attendees", fmt.Sprintf("are more than %d", outbox.MaxItems))
	}
	lines := map[string]bool{}
	for i, id := range r.LineIDs {
		if s := duplicate(lines, id); s != "" {
			return check.Bad("amsbridge", fmt.Sprintf("Refund.LineIDs[%d]", i), s)
		}
	}
	people := map[string]bool{}
	for i, id := range r.Attendees {
		s := id.problem()
		if s == "" {
			s = duplicate(people, string(id))
		}
		if s != "" {
			return check.Bad("amsbridge", fmt.Sprintf("Refund.Attendees[%d]", i), s)
		}
	}
	return nil
}

func duplicate(seen map[string]bool, id string) string {
	if id == "" {
		return "is empty"
	}
	if seen[id] {
		return "is a duplicate"
	}
	seen[id] = true
	return ""
}
