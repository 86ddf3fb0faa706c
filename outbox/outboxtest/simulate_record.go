package outboxtest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// simProbe is when a destination that paused itself, or a probe, is tried next.
const simProbe = 15 * time.Minute

// record records some of what a sender has read, as a sender does: of an ordering
// key of which it has something in flight it begins nothing more.
func (w *model[Tx]) record(s *simSender, most int) error {
	if s.session == 0 {
		return nil
	}
	f := outbox.Flight{Session: s.session, Rates: map[string]outbox.Rate{w.names[0]: w.rate}, Early: w.chance(30)}
	if f.Probe = w.probes() && w.chance(60) || w.chance(10); f.Probe {
		f.ProbeFor, most = simProbe, 1
	}
	if w.chance(20) {
		w.rememberOld(s)
	}
	busy := map[int64]bool{}
	for _, h := range s.held {
		busy[h.msg.OrderingKey()] = true
	}
	var waiting []outbox.Waiting
	for _, i := range w.rng.Perm(len(s.read)) {
		if l := s.read[i]; len(waiting) < most && !busy[l.Key] {
			waiting = append(waiting, l)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	for i := range waiting {
		f.Messages = append(f.Messages, queued(&waiting[i]))
		s.read = slices.DeleteFunc(s.read, func(l outbox.Waiting) bool { return l.ID == waiting[i].ID })
	}
	s.flights++
	f.N = s.flights
	recorded, err := w.Store.Record(w.ctx, f)
	w.logf("%s records %v as its flight %d, probe %v, early %v: %s: %v",
		s.name, waitingKeys(waiting), f.N, f.Probe, f.Early, begunIDs(recorded), orOK(err))
	if !w.lives(s) {
		w.forget(s)
		return wantNoSession(err)
	}
	if err != nil {
		return err
	}
	err = w.recorded(s, &f, waiting, &recorded)
	w.advance(0)
	return err
}

// probes tells whether some destination waits for a probe.
func (w *model[Tx]) probes() bool {
	return slices.ContainsFunc(w.names, func(name string) bool {
		c, _ := w.dests[name].closed(name, w.now)
		return c.Probing
	})
}

// rememberOld has a sender believe that any of the messages of its shards waits,
// as one that read it long ago.
func (w *model[Tx]) rememberOld(s *simSender) {
	for range min(2, len(w.msgs)) {
		m := pick(w.rng, w.msgs)
		known := func(l outbox.Waiting) bool { return l.ID == m.ID }
		if w.owners[m.shard()] == s.session && !slices.ContainsFunc(s.read, known) {
			s.read = append(s.read, outbox.Waiting{Message: m.Message, Key: m.key})
		}
	}
}

func begunIDs(r outbox.Recorded) (text string) {
	for _, b := range r.Begun {
		text += fmt.Sprintf("[%d]", b.ID)
	}
	return text + fmt.Sprint(" closed ", r.Closed)
}

// recorded checks what may begin, message by message, and brings it into the
// model.
func (w *model[Tx]) recorded(s *simSender, f *outbox.Flight, waiting []outbox.Waiting, r *outbox.Recorded) error {
	begun := r.Begun
	closed := w.closedAll()
	if len(closed) > 0 {
		waiting = nil
	}
	for i := range waiting {
		m := w.byID(waiting[i].ID)
		if !m.dueBy(w.now) {
			continue
		}
		if _, known := closed[m.Destination]; known {
			continue
		}
		if c, isClosed := w.admit(m.Destination, f); isClosed {
			closed[m.Destination] = c
			continue
		}
		if len(begun) == 0 || begun[0].ID != m.ID {
			return fmt.Errorf("%s may begin, and did not", m.name())
		}
		if err := w.begin(s, f, m, begun[0]); err != nil {
			return err
		}
		begun = begun[1:]
	}
	if len(begun) > 0 {
		return fmt.Errorf("%d may not begin, and did", begun[0].ID)
	}
	for i := range waiting { // those that were not due are told of as well
		name := w.byID(waiting[i].ID).Destination
		began := slices.ContainsFunc(r.Begun, func(b outbox.Begun) bool { return b.ID == waiting[i].ID })
		if _, told := closed[name]; told || began {
			continue
		}
		if c, isClosed := w.dests[name].closed(name, w.now); isClosed {
			closed[name] = c
		}
	}
	return w.compareClosed(r.Closed, closed)
}

// begin brings a message that may be sent into the model.
func (w *model[Tx]) begin(s *simSender, f *outbox.Flight, m *simMessage, b outbox.Begun) error {
	for _, other := range w.msgs {
		if other.key != m.key {
			continue
		}
		for _, id := range w.flying(other) {
			if id != s.session {
				return fmt.Errorf("%s begins at %d, while %s is in flight at %d", m.name(), s.session, other.name(), id)
			}
		}
	}
	single := !slices.ContainsFunc(w.msgs, func(other *simMessage) bool { return other != m && other.key == m.key })
	switch {
	case b.Attempts != m.attempts || b.Lost != m.lost || b.Doubt != m.doubt:
		return fmt.Errorf("%s begins with attempts %d, lost %d, doubt %d, not %d, %d, %d",
			m.name(), b.Attempts, b.Lost, b.Doubt, m.attempts, m.lost, m.doubt)
	case b.Alone && (!single || m.tried || m.doubt != 0), !b.Alone && single && m.fresh && !m.tried && m.doubt == 0:
		return fmt.Errorf("%s begins, alone %v", m.name(), b.Alone)
	}
	own := w.sessions[s.session]
	if own.flights[f.N] == nil {
		own.flights[f.N] = &simFlight{at: w.now}
	}
	own.flights[f.N].msgs = append(own.flights[f.N].msgs, m)
	s.held = append(s.held, simHeld{Begun: b, msg: m.Message, flight: f.N, probe: f.Probe})
	return nil
}

// admit lets a message through to its destination, or tells why not.
func (w *model[Tx]) admit(name string, f *outbox.Flight) (outbox.Closed, bool) {
	d := w.dests[name]
	c, isClosed := d.closed(name, w.now)
	mayProbe := f.Probe && d.pausing != outbox.PausedByOperator && d.held <= w.now && (!d.broken || d.breaker <= w.now) &&
		(d.pausing != outbox.PausedByItself || f.Early || d.probe <= w.now)
	if isClosed && !mayProbe {
		return c, true
	}
	rate := f.Rates[name]
	if allowed, wait := rate.Allow(w.now.Microseconds(), d.spent); allowed < 1 {
		return outbox.Closed{Destination: name, For: wait, Limited: true}, true
	}
	d.spent = rate.Spend(w.now.Microseconds(), d.spent, 1)
	if !isClosed {
		return c, false
	}
	if d.pausing == outbox.PausedByItself {
		d.probe = w.now + f.ProbeFor
	}
	if d.broken {
		d.breaker = w.now + f.ProbeFor
	}
	d.closedAt = w.now
	return c, false
}

// closed tells whether a destination may not be sent to freely.
func (d *simDestination) closed(name string, now time.Duration) (outbox.Closed, bool) {
	c := outbox.Closed{Destination: name}
	if c.ByOperator = d.pausing == outbox.PausedByOperator; c.ByOperator {
		return c, true
	}
	until := d.held
	if d.pausing == outbox.PausedByItself {
		c.Probing, until = true, max(until, d.probe)
	}
	if d.broken {
		c.Probing, until = true, max(until, d.breaker)
	}
	c.For = max(0, until-now)
	return c, c.Probing || c.For > 0
}

// closedAll is what is told of everything, where it is paused.
func (w *model[Tx]) closedAll() map[string]outbox.Closed {
	told := map[string]outbox.Closed{}
	if w.paused != outbox.NotPaused {
		told[""] = outbox.Closed{ByOperator: w.paused == outbox.PausedByOperator}
	}
	return told
}

// comparePulse compares what a beat told of the queue, of destinations, and the time.
func (w *model[Tx]) comparePulse(p *outbox.Pulse) error {
	want := w.closedAll()
	for _, name := range w.names {
		if c, closed := w.dests[name].closed(name, w.now); closed {
			want[name] = c
		}
	}
	if !w.base.IsZero() && !w.near(p.Now, w.now) {
		return fmt.Errorf("it is %v, not %v", p.Now.Sub(w.base), w.now)
	}
	for i, c := range p.Closed {
		if (c.Reason != "") != (c.Destination == "" && !c.ByOperator) {
			return fmt.Errorf("%+v is told of", c)
		}
		p.Closed[i].Reason = ""
	}
	return errors.Join(w.compareQueue(p), w.compareClosed(p.Closed, want))
}

func (w *model[Tx]) compareQueue(p *outbox.Pulse) error {
	newest, next := outbox.ID(0), outbox.MaxNextDue
	for _, m := range w.msgs {
		if !m.queued() {
			continue
		}
		newest = max(newest, m.ID)
		if m.state == outbox.StatePending && !m.fresh {
			next = min(next, max(0, m.due-w.now))
		}
	}
	if p.Newest != newest || (p.NextDue-next).Abs() > time.Minute/2 {
		return fmt.Errorf("the newest is %d and the next falls due in %v, not %d and %v", p.Newest, p.NextDue, newest, next)
	}
	return nil
}

func (w *model[Tx]) compareClosed(got []outbox.Closed, want map[string]outbox.Closed) error {
	var errs []error
	for _, c := range got {
		l, closed := want[c.Destination]
		if !closed || (c.For-l.For).Abs() > time.Minute/2 {
			errs = append(errs, fmt.Errorf("%+v is told of, wanted %v %+v", c, closed, l))
			continue
		}
		if l.For = c.For; c != l {
			errs = append(errs, fmt.Errorf("%+v is told of, not %+v", c, l))
		}
	}
	if len(got) != len(want) {
		errs = append(errs, fmt.Errorf("%d destinations are told of as closed, not %d", len(got), len(want)))
	}
	return errors.Join(errs...)
}
