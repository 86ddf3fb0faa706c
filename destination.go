package amsbridge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// DestinationConfig configures [NewDestination].
type DestinationConfig struct {
	// ProfilesLookedUp says that the sender looks up the profiles of messages that have none (see
	// [LookUpProfile]). A platform whose calls find people by e-mail address needs it, since a take has
	// no address. Defaults to false.
	ProfilesLookedUp bool
}

// NewDestination makes a destination of a platform's client. At each message's turn it reads, by one
// indexed query, what the person's other messages say about the same product or show, and calls the
// platform only for what is needed then:
//
//   - A give whose seat was given back meanwhile is not sent, nor is one that was given anew since.
//   - A take takes those units that no other seat of the person brings, and that the platform may have.
//     What stays is said in the message's reason.
//   - What no call takes back is parked as a task, and ends when it is bought again.
//
// The store is the one that the sender works on. A destination serves any number of names, such as
// "elevate" and "elevate/acme". It is safe for concurrent use. It returns an [*InputError] that names the
// bad field.
func NewDestination(store outbox.Inspector, p Platform, cfg DestinationConfig) (outbox.Destination, error) {
	if check.IsNil(store) {
		return nil, check.Bad("amsbridge", "store", "is nil, or holds a nil pointer")
	}
	if check.IsNil(p) {
		return nil, check.Bad("amsbridge", "p", "is nil, or holds a nil pointer")
	}
	byEmail, ok := p.(interface{ TakeNeedsProfile() bool })
	if ok && byEmail.TakeNeedsProfile() && !cfg.ProfilesLookedUp {
		return nil, check.Bad("amsbridge", "DestinationConfig.ProfilesLookedUp",
			"is not set, and this platform finds people by e-mail address, which a take does not have")
	}
	return &destination{store: store, platform: p, sent: map[int64]map[outbox.ID]*sending{}}, nil
}

// destination decides at a message's turn what is to be sent, and sends it.
type destination struct {
	store    outbox.Inspector
	platform Platform

	mu sync.Mutex
	// sent are attempts whose settlement was not acknowledged yet, so that the database may not tell of
	// them, by their ordering keys. Turns counts all turns.
	sent  map[int64]map[outbox.ID]*sending
	turns int
}

// sending is what an attempt came to.
type sending struct {
	turn int // see destination.turns
	evidence
	final, parked bool
	was           standing // of its message, when the attempt began
	ends          []outbox.End
	// saw is the greatest ID among the person's messages then.
	saw outbox.ID
}

// standing is what changes in a record when an attempt is settled, or when its session ends before that.
type standing struct {
	state         outbox.State
	attempt, lost int
	seq           int64
	doubt         outbox.Doubt
}

func standingOf(r *outbox.Record) standing {
	return standing{r.State, r.Attempt, r.Lost, r.Seq, r.Doubt}
}

// Deliver implements [outbox.Destination].
func (d *destination) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	g, err := DecodeGrant(m)
	if errors.Is(err, outbox.ErrNewerVersion) {
		return outbox.Result{}, err
	}
	if err != nil {
		return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "the message cannot be read", Err: err}
	}
	t, err := d.turn(ctx, m, g)
	if err != nil {
		return outbox.Result{}, err
	}
	res, err := t.guarded(ctx, d.platform)
	s := t.cameTo(res, err)
	d.note(m, s)
	res.Settled = func() { d.acknowledged(m, s) }
	return res, err
}

// guarded makes a panic of the client an answer of which nothing is known, so that it is noted.
func (t *turn) guarded(ctx context.Context, p Platform) (res outbox.Result, err error) {
	defer func() {
		if v := recover(); v != nil { // its text may hold anything; its type does not
			res = outbox.Result{Seq: t.next}
			err = &outbox.DeliveryError{Outcome: outbox.OutcomeUnknown, Reason: fmt.Sprintf("the platform's client panicked (%T)", v)}
		}
	}()
	return t.play(ctx, p)
}

// cameTo is what the message's attempt came to.
func (t *turn) cameTo(res outbox.Result, err error) *sending {
	s := &sending{turn: t.n, final: err == nil, was: t.was, ends: res.Ends, saw: t.saw}
	r := DecodeReceipt(res.Receipt)
	s.seq, s.taken, s.given = res.Seq, r.Taken, r.Given
	failed, isFailed := errors.AsType[*outbox.DeliveryError](err)
	s.parked = isFailed && failed.Outcome == outbox.OutcomeRejected
	switch {
	case err == nil && (res.Ended == 0 || res.Ended == outbox.StateAlreadyDone):
		s.sent = surely
	case err != nil && (!isFailed || failed.Outcome == outbox.OutcomeUnknown || failed.Partly), t.m.Doubt != 0:
		s.sent = perhaps
	}
	return s
}

// note keeps what an attempt came to until it is acknowledged. Where its session ended meanwhile, the
// message's next attempt may be over before it.
func (d *destination) note(m outbox.Message, s *sending) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := m.OrderingKey()
	if d.sent[key] == nil {
		d.sent[key] = map[outbox.ID]*sending{}
	}
	if other := d.sent[key][m.ID]; other == nil || other.turn < s.turn {
		d.sent[key][m.ID] = s
	}
}

// acknowledged forgets an attempt that the database tells of by now, or that nobody will record.
func (d *destination) acknowledged(m outbox.Message, s *sending) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := m.OrderingKey()
	if d.sent[key][m.ID] == s {
		delete(d.sent[key], m.ID)
	}
	if len(d.sent[key]) == 0 {
		delete(d.sent, key)
	}
}

// unacknowledged are the person's attempts now, to be laid over what a query that begins later returns, and
// the number of the turn that asks.
func (d *destination) unacknowledged(m outbox.Message) (sent map[outbox.ID]*sending, turn int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turns++
	return maps.Clone(d.sent[m.OrderingKey()]), d.turns
}
