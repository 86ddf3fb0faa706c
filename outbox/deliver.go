package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// again is when a message is tried again that this program cannot deliver, but
// perhaps a newer one.
const again = time.Minute

// aloneFor is how long it counts that the store had no other message of the ordering key: what is inserted
// meanwhile is looked for.
const aloneFor = 50 * time.Millisecond

// errPanicked stands for a panic of a destination.
var errPanicked = errors.New("outbox: the destination panicked")

// deliver delivers one message and says what is to be recorded of it, or that it could not be begun.
func (r *run) deliver(w work) (st Settlement, begun bool) {
	if w.from.Broken != "" {
		st := Settlement{Message: w.Message, By: r.cfg.Name, State: StatePending, Outcome: OutcomeRejected}
		r.park(w, &st, w.from.Broken)
		return st, true
	}
	destination, ok := r.cfg.Destinations.Resolve(w.Destination)
	if !ok {
		reason := "no destination has this name in this program"
		r.alarm(r.base, AlarmUnknownDestination, w.Message, reason)
		st := r.giveBack(w, reason)
		st.Delay = jittered(again)
		return st, true
	}
	ctx, cancel := context.WithTimeout(w.ctx, r.cfg.DeliverTimeout)
	defer cancel()
	m, unsent := r.withProfile(ctx, w)
	if unsent != nil {
		return *unsent, true
	}
	called := time.Now()
	m.Alone = m.Alone && called.Sub(w.asked) < aloneFor
	res, err := r.call(ctx, destination, m)
	st = Settlement{Message: w.Message, By: r.cfg.Name, Took: time.Since(called), settled: res.Settled}
	if errors.Is(err, ErrNewerVersion) {
		reason := "its payload is newer than this program"
		r.alarm(r.base, AlarmNewerVersion, w.Message, reason)
		late := r.giveBack(w, reason)
		late.Delay, late.settled = jittered(again), res.Settled
		return late, true
	}
	if errors.Is(err, ErrNotBegun) {
		if res.Settled != nil {
			res.Settled()
		}
		return st, false
	}
	if err == nil {
		res.Then = r.cfg.Profiles.kept(res.Then, m, w.Message)
		r.delivered(w, res, &st)
	} else {
		r.failed(w, res, failure(err), &st)
	}
	return st, true
}

// giveBack is how a message ends whose delivery was not begun, and is not to begin at once.
func (r *run) giveBack(w work, why string) Settlement {
	return Settlement{
		Message: w.Message, State: StatePending, Deferred: true, Unlogged: true, Reason: why, By: r.cfg.Name,
	}
}

// call makes a panic an error, so that one message cannot end the program.
func (r *run) call(ctx context.Context, d Destination, m Message) (res Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			// The panic's text may hold anything; its type does not.
			r.cfg.Logger.LogAttrs(ctx, slog.LevelError, "amsbridge: a destination panicked",
				slog.String("destination", m.Destination), slog.Int64("message", int64(m.ID)),
				slog.String("type", fmt.Sprintf("%T", p)))
			res, err = Result{}, errPanicked
		}
	}()
	return d.Deliver(ctx, m)
}

// failure reads an error as a delivery error. One of another type counts as
// unknown; its text is not kept, for nobody vouches for what it holds.
func failure(err error) *DeliveryError {
	var e *DeliveryError
	switch {
	case errors.As(err, &e) && e.Outcome >= OutcomeRejected && e.Outcome <= OutcomeUnknown:
		return e
	case errors.Is(err, errPanicked):
		return &DeliveryError{Outcome: OutcomeUnknown, Reason: "the destination panicked"}
	case errors.Is(err, context.DeadlineExceeded):
		return &DeliveryError{Outcome: OutcomeUnknown, Reason: "the delivery took too long"}
	}
	return &DeliveryError{Outcome: OutcomeUnknown, Reason: fmt.Sprintf("the destination returned an error that says no outcome (%T)", err)}
}
