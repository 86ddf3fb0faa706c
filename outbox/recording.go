package outbox

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Sizes of a flight.
const (
	// maxFlight is the most messages that are recorded together.
	maxFlight = 400
	// longestBatch is the most messages of one ordering key among them: one worker is busy with them.
	longestBatch = 10
	// After a message that was sent alone the others have their turn for four times as long as it kept them
	// waiting, and for longestTurn at most.
	othersShare = 4
	longestTurn = time.Second
)

// plan is a flight that is about to be recorded.
type plan struct {
	of      *session
	batches []*batch
	flight  Flight
}

// record records flights, and has them sent, until ctx ends.
func (r *run) record(ctx context.Context) {
	away := outage{what: "cannot record what is to be sent"}
	for ctx.Err() == nil {
		p, wait := r.plan(time.Now())
		if p == nil {
			pause(ctx, r.recorder, wait)
			continue
		}
		f := p.flight
		recorded, err := within(r.base, r.cfg.SettleTimeout, "record what is to be sent", func(ctx context.Context) (Recorded, error) {
			return r.queue.Record(ctx, f)
		})
		if err != nil {
			r.unplan(p)
			if errors.Is(err, ErrNoSession) {
				r.lost(p.of)
				continue
			}
			r.backOff(ctx, &away, err)
			continue
		}
		away.over(r.base, r.cfg.Logger)
		r.launch(p, recorded)
	}
}

// plan chooses what is recorded next, or tells how long there is nothing, unless the recorder is woken.
func (r *run) plan(now time.Time) (*plan, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.session
	if s == nil || !r.mayBegin() {
		return nil, r.cfg.Poll
	}
	p := &plan{of: s, flight: Flight{Session: s.id, ProbeFor: r.cfg.DeliverTimeout + r.cfg.SettleTimeout}}
	if b, wait := r.suspect(now); b != nil || wait > 0 {
		if b == nil {
			return nil, wait
		}
		if d := b.to; d.closed() { // nothing but suspects waits for it
			p.flight.Probe, p.flight.Early, d.early = true, d.early, false
		}
		p.batches = []*batch{b}
		return r.ready(p), 0
	}
	if d := s.probed(false); d != nil {
		p.flight.Probe, p.flight.Early, d.early = true, d.early, false
		p.batches = []*batch{s.test(d)}
		return r.ready(p), 0
	}
	wait, n := r.cfg.Poll, 0
	if turn := r.othersUntil.Sub(now); turn > 0 {
		wait = min(wait, turn)
	}
	for range len(s.ring) {
		d := s.ring[0]
		s.ring = s.ring[1:]
		if len(d.ready) == 0 {
			d.inRing = false
			s.tidy(d)
			continue
		}
		s.ring = append(s.ring, d)
		if rest := d.restUntil.Sub(now); rest > 0 {
			wait = min(wait, rest)
			continue
		}
		d.speed.measure(now)
		room := min(d.roomAhead(r.cfg.Concurrency), maxFlight-n)
		if room > 0 {
			some := s.pick(d, room)
			for _, b := range some {
				n += len(b.rows)
			}
			p.batches = append(p.batches, some...)
		}
		if n >= maxFlight {
			break
		}
	}
	if n == 0 {
		return nil, wait
	}
	return r.ready(p), 0
}

// roomAhead is how many more messages may be recorded for the destination: as many as are sent at once, and
// what it takes in twenty milliseconds, once half of that is begun.
func (d *destState) roomAhead(concurrency int) int {
	full := min(concurrency+int(d.speed.rate/50), concurrency+maxFlight)
	if d.ahead > full/2 {
		return 0
	}
	return full - d.ahead
}

// pick takes messages of a destination's ordering keys in turn: longer batches where there are few keys.
func (b *backlog) pick(d *destState, room int) []*batch {
	longest := max(1, min(longestBatch, room/max(1, len(d.ready))))
	var out []*batch
	for room > 0 && len(d.ready) > 0 {
		k := d.ready[0]
		d.ready[0] = nil
		d.ready = d.ready[1:]
		k.ready = false
		n := min(len(k.rows), longest, room)
		if at := slices.IndexFunc(k.rows[:n], (*Waiting).suspect); at >= 0 {
			n = at
		}
		if n == 0 {
			b.settleKey(k)
			continue
		}
		out = append(out, b.batchOf(k, k.rows[:n:n]))
		k.rows = append([]*Waiting(nil), k.rows[n:]...)
		d.rows -= n
		room -= n
		b.settleKey(k)
	}
	return out
}

// batchOf makes a batch of messages, whose ordering key is busy from now on.
func (b *backlog) batchOf(k *keyRows, rows []*Waiting) *batch {
	k.busy = true
	out := &batch{to: k.to, key: k, rows: make([]sending, len(rows))}
	for i, w := range rows {
		out.rows[i] = sending{Message: w.Message, from: w}
	}
	return out
}

// ready completes a plan.
func (r *run) ready(p *plan) *plan {
	s := p.of
	s.flights++
	p.flight.N = s.flights
	for _, b := range p.batches {
		b.of, b.asked = s, time.Now()
		b.shuttings, b.probe = r.shuttings, p.flight.Probe
		s.inFlight[ShardOf(b.key.key)] += len(b.rows) // from now on the shard is not given back
		for i := range b.rows {
			b.rows[i].Probe = p.flight.Probe
			p.flight.Messages = append(p.flight.Messages, Queued{b.rows[i].ID, b.key.key, b.rows[i].Destination})
		}
		if r.cfg.Rate == nil {
			continue
		}
		if rate := r.rate(b.to.name); rate.Count > 0 {
			if p.flight.Rates == nil {
				p.flight.Rates = map[string]Rate{}
			}
			p.flight.Rates[b.to.name] = rate
		}
	}
	return p
}

// rate returns a destination's limit with sane values.
func (r *run) rate(destination string) Rate {
	rate := r.cfg.Rate(destination)
	if rate.Count <= 0 {
		return Rate{}
	}
	rate.Per, rate.Burst = max(0, rate.Per), max(0, rate.Burst)
	if rate.Per > 0 {
		rate.Per = max(rate.Per, time.Millisecond)
	}
	return rate
}

// unplan takes back what could not be recorded. If it was all the same, it is a flight that is over.
func (r *run) unplan(p *plan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := p.of
	if s != r.session {
		return
	}
	s.over = append(s.over, p.flight.N)
	for _, b := range p.batches {
		b.to.testing = b.to.testing && !p.flight.Probe
		s.inFlight[ShardOf(b.key.key)] -= len(b.rows)
		for _, row := range b.rows {
			s.putBack(row.from)
		}
		s.release(b.key)
	}
	s.isolating, s.alone = false, false
}

// launch has sent what was recorded, and forgets the rest or leaves it for later.
func (r *run) launch(p *plan, rec Recorded) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := p.of
	if s != r.session {
		return // whoever took over has it
	}
	begun := make(map[ID]*Begun, len(rec.Begun))
	for i := range rec.Begun {
		begun[rec.Begun[i].ID] = &rec.Begun[i]
	}
	limited := map[*destState]bool{}
	for _, c := range rec.Closed {
		if c.Destination == "" {
			r.pauseAll(true)
			continue
		}
		d := s.state(c.Destination)
		if c.Limited {
			limited[d] = true
			d.restUntil = now.Add(max(c.For, p.flight.Rates[c.Destination].rest()))
		} else {
			r.closeFor(d, c, now)
		}
	}
	f := &flight{n: p.flight.N}
	for _, b := range p.batches {
		d := b.to
		rows := b.rows[:0]
		for _, row := range b.rows {
			g := begun[row.ID]
			switch {
			case g != nil:
				row.Attempt, row.Doubt, row.Alone, row.Waited = g.Attempts+1, g.Doubt, g.Alone, g.Waited
				rows = append(rows, row)
				s.flying[row.ID] = true
			case limited[d] || s.paused:
				s.putBack(row.from)
			default:
				s.forget(row.ID)
				if d.closed() {
					s.leave(d, row.from)
				}
			}
		}
		s.inFlight[ShardOf(b.key.key)] -= len(b.rows) - len(rows)
		clear(b.rows[len(rows):])
		b.rows, b.flight = rows, f
		if len(rows) == 0 {
			if p.flight.Probe {
				d.testing = false
				if d.closed() && !d.shutUntil.After(now) { // somebody has its message locked
					d.shutUntil = now.Add(r.cfg.Poll)
				}
			}
			s.isolating, s.alone = s.isolating && !s.alone, false
			s.release(b.key)
			continue
		}
		f.left += len(rows)
		s.inHand += len(rows)
		s.unsettled += len(rows)
		d.unsettled += len(rows)
		d.ahead += len(rows)
		d.batches = append(d.batches, b)
	}
	for _, b := range p.batches { // when all of the flight is counted: it is over once nothing of it is left
		switch {
		case len(b.rows) == 0:
		case b.stale() && !p.flight.Probe, s.paused:
			r.dropBatches(b.to)
		default:
			r.startWorkers(b.to)
		}
	}
	wake(r.reader) // what was not begun left room
}

// suspect returns a message that is sent alone, once nothing else is in flight; until then it tells how
// long to wait.
func (r *run) suspect(now time.Time) (*batch, time.Duration) {
	s := r.session
	switch {
	case s.isolating && s.unsettled > 0:
		return nil, r.cfg.Poll
	case s.isolating && s.alone:
		s.isolating, s.alone = false, false
		r.othersUntil = now.Add(min(othersShare*now.Sub(r.isolatedAt), longestTurn))
	}
	d, k := s.probed(true), s.suspected()
	if d == nil && k == nil || now.Before(r.othersUntil) && len(s.ring) > 0 {
		s.isolating = false
		return nil, 0
	}
	if !s.isolating {
		s.isolating, r.isolatedAt = true, now
		r.dropAll()
	}
	if s.unsettled > 0 || len(s.over) > 0 || s.settling {
		wake(r.kick)
		return nil, r.cfg.Poll
	}
	s.alone = true
	if d != nil {
		return s.test(d), 0
	}
	s.suspects, k.ready = s.suspects[1:], false
	b := s.batchOf(k, k.rows[:1:1])
	k.rows = append([]*Waiting(nil), k.rows[1:]...)
	k.to.rows--
	s.settleKey(k)
	return b, 0
}

// test makes a batch of a destination's probe.
func (b *backlog) test(d *destState) *batch {
	w := d.probe
	d.probe, d.testing = nil, true
	return b.batchOf(b.keyOf(w), []*Waiting{w})
}
