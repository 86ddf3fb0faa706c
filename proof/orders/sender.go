package orders

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/orders/model"
)

// How the senders work.
const (
	lease    = 2 * time.Minute
	needed   = 30 * time.Second
	attempts = 4
	first    = 10 * time.Second
)

// sender is one sender's process, step by step: it takes messages, delivers them and records what became
// of them, each when a sequence says so.
type sender struct {
	*world
	name        string
	destination outbox.Destination
	hand        []held
	done        []outcome
	alone       bool
}

// outcome is what became of a message, to be recorded.
type outcome struct {
	outbox.Settlement
	settled func()
	until   time.Time
	spared  bool // it surely was not sent, now or before
	lost    []model.Owed
}

type held struct {
	outbox.Leased
	token outbox.Token
	until time.Time
	fresh bool // no earlier attempt may have reached the platform
}

func (w *world) newSender(name string) *sender {
	s := &sender{world: w, name: name}
	var err error
	s.destination, err = amsbridge.NewDestination(w.Store, w.platforms, amsbridge.DestinationConfig{})
	w.must(err)
	return s
}

// claim takes what is due, and says how much.
func (s *sender) claim(keyLimit int) int {
	token := outbox.NewToken()
	at := s.Clock.Now()
	c, err := s.Store.Claim(s.ctx, outbox.ClaimRequest{
		Token: token, By: s.name, Lease: lease, Limit: 20, DestinationLimit: 20, KeyLimit: keyLimit,
		Isolated: s.alone,
	})
	s.must(err)
	s.alone = !s.alone && c.Suspects
	for _, l := range c.Leased {
		s.newest[l.ID] = token
		if l.Lost > 0 {
			s.shake(l.Message)
		}
		s.hand = append(s.hand, held{l, token, at.Add(lease), s.touch(l.Message)})
	}
	s.say("  %s claims %d", s.name, len(c.Leased))
	if s.alone {
		return len(c.Leased) + 1
	}
	return len(c.Leased)
}

// deliver delivers the first of what was taken. It is false where the sender died of it.
func (s *sender) deliver(f Fault) (alive bool) {
	h := s.hand[0]
	s.hand = s.hand[1:]
	st := outbox.Settlement{Message: h.Message, Token: h.token, By: s.name}
	if s.Clock.Now().Add(needed).After(h.until) {
		st.State, st.Deferred, st.Unlogged = outbox.StatePending, true, true
		s.done = append(s.done, outcome{Settlement: st, until: h.until, spared: h.fresh})
		return true
	}
	s.fault, s.lost = f, nil
	s.say("  %s delivers %s %v", s.name, h.Kind, h.KeyParts)
	res, err := s.destination.Deliver(s.ctx, h.Message)
	if s.failed != nil {
		panic(s.failed) // the destination took it for a panic of the platform's client
	}
	if s.dead {
		s.dead = false
		s.shake(h.Message)
		return false
	}
	settle(&st, h.Attempt, res, err)
	for _, end := range st.Ends {
		s.say("    ends %d: %s", end.ID, end.Reason)
	}
	if st.Outcome == outbox.OutcomeNone {
		s.say("    %s: %s", st.State, st.Reason)
	}
	unsent := st.Outcome == outbox.OutcomeNone || st.Outcome == outbox.OutcomeUnavailable && !st.Partly ||
		st.Outcome == outbox.OutcomeRejected && h.Kind == amsbridge.KindGive
	s.done = append(s.done, outcome{st, res.Settled, h.until, h.fresh && unsent, s.lost})
	return true
}

// settle says how a lease ends, by the rules of a sender.
func settle(st *outbox.Settlement, attempt int, res outbox.Result, err error) {
	st.Seq, st.Ends = res.Seq, res.Ends
	if err == nil {
		st.Releases, st.Then, st.Receipt = res.Releases, res.Then, res.Receipt
		switch {
		case res.Ended != outbox.StatePending:
			st.State, st.Reason = res.Ended, res.Detail
		case res.AlreadyDone:
			st.State, st.Outcome = outbox.StateAlreadyDone, outbox.OutcomeAlreadyDone
		default:
			st.State, st.Outcome = outbox.StateDelivered, outbox.OutcomeDelivered
		}
		return
	}
	e := &outbox.DeliveryError{Outcome: outbox.OutcomeUnknown, Reason: fmt.Sprint(err)}
	_ = errors.As(err, &e) // another error is unknown
	st.State, st.Outcome, st.Partly, st.Reason = outbox.StatePending, e.Outcome, e.Partly, e.Reason
	st.Delay = first << min(attempt, 8)
	if e.Outcome == outbox.OutcomeRejected || attempt >= attempts {
		st.State = outbox.StateParked
	}
}

// settle records what became of what was delivered.
func (s *sender) settle() {
	if len(s.done) == 0 {
		return
	}
	batch := make([]outbox.Settlement, len(s.done))
	for i, o := range s.done {
		batch[i] = o.Settlement
	}
	acked, err := s.Store.Settle(s.ctx, batch)
	s.must(err)
	for _, o := range s.done {
		if o.settled != nil {
			o.settled()
		}
		recorded := slices.Contains(acked, o.Message.ID) && o.Token == s.newest[o.Message.ID]
		if !recorded {
			s.shake(o.Message)
		}
		for _, u := range unitsIn(o.Message) {
			s.gone[u] = o.Message.Kind == amsbridge.KindTake && s.gone[u]
		}
		for _, u := range o.lost {
			s.gone[u] = recorded && o.State == outbox.StateDelivered && !s.shaky[u]
		}
		if o.spared && recorded {
			s.spare(o.Message)
		}
	}
	s.say("  %s settles %d of %d", s.name, len(acked), len(s.done))
	s.done = nil
}

// crash ends the process; another takes its place.
func (w *world) crash(i int) {
	s := w.senders[i]
	w.say("  %s dies with %d taken and %d not recorded", s.name, len(s.hand), len(s.done))
	w.count.Crashes++
	for _, h := range s.hand {
		w.shake(h.Message)
	}
	for _, o := range s.done {
		w.shake(o.Message)
	}
	w.senders[i] = w.newSender(s.name)
}

// run lets a sender work until nothing is due.
func (w *world) run(i, keyLimit int, of []Fault) {
	for range 50 {
		s := w.senders[i]
		n := s.claim(keyLimit)
		if n == 0 && len(s.hand) == 0 {
			break
		}
		for len(w.senders[i].hand) > 0 {
			of = w.deliver(i, of)
		}
		w.senders[i].settle()
	}
}

// deliver delivers one message, with the first of the faults.
func (w *world) deliver(i int, of []Fault) (rest []Fault) {
	f := None
	if len(of) > 0 {
		f, of = of[0], of[1:]
	}
	if f != None {
		w.count.Faults++
	}
	if !w.senders[i].deliver(f) {
		w.crash(i)
	}
	return of
}

// drained lets everything come to an end.
func (w *world) drained() {
	for range 12 {
		for i := range w.senders {
			w.senders[i].settle()
			w.run(i, 1+i, nil)
		}
		counts, err := w.Store.Counts(context.WithoutCancel(w.ctx))
		w.must(err)
		pending := 0
		for _, c := range counts {
			pending += c.Pending
		}
		if pending == 0 {
			return
		}
		w.Clock.Advance(time.Hour)
	}
	w.fail("messages stay pending")
}
