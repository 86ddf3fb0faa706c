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
	length   = 2 * time.Minute // of a session
	attempts = 4
	first    = 10 * time.Second
)

// sender is one sender's process, step by step: it takes messages, delivers them and records what became
// of them, each when a sequence says so.
type sender struct {
	*world
	name        string
	destination outbox.Destination
	session     outbox.SessionID // zero for none
	beaten      time.Time
	owned       []int // shards
	flights     int64
	flown       map[int64][]outbox.Message // what flights name that are not over
	hand        []held
	done        []outcome
}

// outcome is what became of a message, to be recorded.
type outcome struct {
	outbox.Settlement
	flight  int64
	settled func()
	spared  bool // it surely was not sent, now or before
	lost    []model.Owed
}

// held is a message that was recorded as in flight.
type held struct {
	outbox.Message
	flight int64
	step   int  // when it was recorded
	fresh  bool // no earlier attempt may have reached the platform
}

func (w *world) newSender(name string) *sender {
	s := &sender{world: w, name: name, flown: map[int64][]outbox.Message{}}
	var err error
	s.destination, err = amsbridge.NewDestination(w.Store, w.platforms, amsbridge.DestinationConfig{})
	w.must(err)
	return s
}

// beat proves that the sender is alive, and joins where it has no session.
func (s *sender) beat(b outbox.Beat) outbox.Pulse {
	for {
		if s.session == 0 {
			var err error
			s.session, err = s.Store.Join(s.ctx, outbox.Joining{By: s.name, Length: length})
			s.must(err)
		}
		b.Session = s.session
		p, err := s.Store.Beat(s.ctx, b)
		if errors.Is(err, outbox.ErrNoSession) {
			s.over()
			continue
		}
		s.must(err)
		s.beaten, s.owned = s.Clock.Now(), p.Owned
		return p
	}
}

// over gives up what was begun in a session that somebody else ended.
func (s *sender) over() {
	s.say("  the session of %s is over with %d taken and %d not recorded", s.name, len(s.hand), len(s.done))
	s.reaped()
	for _, o := range s.done {
		if o.settled != nil {
			o.settled()
		}
	}
	s.session, s.owned, s.hand, s.done = 0, nil, nil, nil
	clear(s.flown)
}

// reaped notes what counts as lost: all of flights that were not over, recorded or not.
func (s *sender) reaped() {
	for _, flight := range s.flown {
		for _, m := range flight {
			s.touch(m)
			s.shake(m)
		}
	}
}

// takeShards takes all shards but those of which another sender that is alive has something in flight.
func (s *sender) takeShards() {
	alive := map[outbox.SessionID]bool{}
	for _, other := range s.senders {
		if other.session == 0 || s.Clock.Now().Sub(other.beaten) >= length && other != s {
			continue
		}
		if other != s {
			other.beat(outbox.Beat{Give: slices.DeleteFunc(slices.Clone(other.owned), other.uses)})
		}
		alive[other.session] = true
	}
	p := s.beat(outbox.Beat{})
	alive[s.session] = true
	dead := slices.DeleteFunc(p.Sessions, func(b outbox.SessionBeats) bool { return alive[b.ID] })
	s.beat(outbox.Beat{Take: outbox.Shards, Dead: dead})
}

// uses tells whether something of a shard is in flight.
func (s *sender) uses(shard int) bool {
	of := func(m outbox.Message) bool { return outbox.ShardOf(m.OrderingKey()) == shard }
	return slices.ContainsFunc(s.hand, func(h held) bool { return of(h.Message) }) ||
		slices.ContainsFunc(s.done, func(o outcome) bool { return of(o.Message) })
}

// claim records what is due as in flight, at most so many messages of an ordering key of which nothing waits
// to be delivered, and says how many. A suspect goes alone.
func (s *sender) claim(keyLimit int) int {
	s.takeShards()
	busy := map[int64]int{}
	for _, h := range s.hand {
		busy[h.OrderingKey()] = keyLimit
	}
	s.flights++
	f := outbox.Flight{Session: s.session, N: s.flights}
	var suspect *outbox.Waiting
	all := s.waiting()
	for i := range all {
		w := &all[i]
		switch {
		case w.Lost >= outbox.SuspectAfter:
			suspect = w
		case busy[w.Key] < keyLimit && len(f.Messages) < 20:
			busy[w.Key]++
			f.Messages = append(f.Messages, outbox.Queued{ID: w.ID, Key: w.Key, Destination: w.Destination})
		}
	}
	if len(f.Messages)+len(s.hand)+len(s.done) == 0 && suspect != nil {
		f.Messages = []outbox.Queued{{ID: suspect.ID, Key: suspect.Key, Destination: suspect.Destination}}
	}
	recorded, err := s.Store.Record(s.ctx, f)
	s.must(err)
	for _, b := range recorded.Begun {
		i := slices.IndexFunc(all, func(w outbox.Waiting) bool { return w.ID == b.ID })
		m := all[i].Message
		m.Attempt, m.Doubt, m.Alone = b.Attempts+1, b.Doubt, b.Alone
		if b.Lost > 0 {
			s.shake(m)
		}
		s.flown[f.N] = append(s.flown[f.N], m)
		s.hand = append(s.hand, held{m, f.N, s.steps, s.touch(m)})
	}
	s.say("  %s takes %d", s.name, len(recorded.Begun))
	return len(recorded.Begun)
}

// waiting reads what is due of the sender's shards, and not known to it, due messages before fresh ones.
func (s *sender) waiting() (all []outbox.Waiting) {
	r := outbox.Reading{Session: s.session, Shards: s.owned, Limit: 10_000}
	for _, h := range s.hand {
		r.Known = append(r.Known, h.ID)
	}
	for _, o := range s.done {
		r.Known = append(r.Known, o.Message.ID)
	}
	for _, r.Due = range []bool{true, false} {
		read, err := s.Store.Read(s.ctx, r)
		s.must(err)
		all = append(all, read.Messages...)
	}
	return all
}

// deliver delivers the first of what was taken. It is false where the sender died of it.
func (s *sender) deliver(f Fault) (alive bool) {
	if s.Clock.Now().Sub(s.beaten) >= length*4/5 { // it stood still
		if s.beat(outbox.Beat{}); len(s.hand) == 0 {
			return true
		}
	}
	h := s.hand[0]
	s.hand = s.hand[1:]
	h.Alone = h.Alone && h.step == s.steps // other messages may have come since
	st := outbox.Settlement{Message: h.Message, By: s.name}
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
	s.done = append(s.done, outcome{st, h.flight, res.Settled, h.fresh && unsent, s.lost})
	return true
}

// settle says how an attempt ends, by the rules of a sender.
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

// settle records what became of what was delivered. Where that is not heard, it is recorded, and the sender
// does not know.
func (s *sender) settle(unheard bool) {
	if len(s.done) == 0 {
		return
	}
	settling := s.settling()
	settled, err := s.Store.Settle(s.ctx, settling)
	if errors.Is(err, outbox.ErrNoSession) {
		s.over()
		return
	}
	s.must(err)
	for _, n := range settling.Over {
		delete(s.flown, n)
	}
	if unheard {
		s.say("  %s settles %d of %d, and does not hear of it", s.name, len(settled.Acked), len(s.done))
		return
	}
	for _, o := range s.done {
		if o.settled != nil {
			o.settled()
		}
		recorded := slices.Contains(settled.Acked, o.Message.ID)
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
	s.say("  %s settles %d of %d", s.name, len(settled.Acked), len(s.done))
	s.done = nil
}

// settling is a batch of all that was delivered. It ends no message that the sender has in flight and has not
// delivered; and one that it has delivered only after that one's own outcome.
func (s *sender) settling() outbox.Settling {
	settling := outbox.Settling{Session: s.session}
	flights := map[int64]bool{}
	for _, h := range s.hand {
		flights[h.flight] = true
	}
	waits := func(o outcome, behind []outcome) bool {
		return slices.ContainsFunc(o.Ends, func(e outbox.End) bool {
			return slices.ContainsFunc(behind, func(b outcome) bool { return b.Message.ID == e.ID })
		})
	}
	for i, moved := 0, 0; i+moved < len(s.done); {
		if waits(s.done[i], s.done[i+1:]) && moved < len(s.done) {
			o := s.done[i]
			s.done = append(slices.Delete(s.done, i, i+1), o)
			moved++
			continue
		}
		i++
	}
	for _, o := range s.done {
		st := o.Settlement
		st.Ends = slices.DeleteFunc(slices.Clone(st.Ends), func(e outbox.End) bool {
			return slices.ContainsFunc(s.hand, func(h held) bool { return h.ID == e.ID })
		})
		settling.Batch = append(settling.Batch, st)
		if !flights[o.flight] {
			settling.Over = append(settling.Over, o.flight)
			flights[o.flight] = true
		}
	}
	return settling
}

// crash ends the process; another takes its place. Its session is reaped by whoever beats next.
func (w *world) crash(i int) {
	s := w.senders[i]
	w.say("  %s dies with %d taken and %d not recorded", s.name, len(s.hand), len(s.done))
	w.count.Crashes++
	s.reaped()
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
		w.senders[i].settle(false)
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
			w.senders[i].settle(false)
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
