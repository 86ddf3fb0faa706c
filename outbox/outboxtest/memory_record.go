package outboxtest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// Record implements [outbox.Queue].
func (m *Memory) Record(ctx context.Context, f outbox.Flight) (outbox.Recorded, error) {
	if err := ctx.Err(); err != nil {
		return outbox.Recorded{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, live := m.sessions[f.Session]
	if !live {
		return outbox.Recorded{}, outbox.ErrNoSession
	}
	now := m.clock()
	if d, known := m.destinations[""]; known {
		if c, paused := d.closed(now); paused {
			return outbox.Recorded{Closed: []outbox.Closed{c}}, nil
		}
	}
	var recorded outbox.Recorded
	closed, left := map[string]bool{}, map[string]bool{}
	for _, q := range f.Messages {
		r, queued := m.queue[q.ID]
		if !queued || r.state != outbox.StatePending || r.due.After(now) {
			left[q.Destination] = true
			continue
		}
		if closed[r.msg.Destination] {
			continue
		}
		if c, isClosed := m.admit(r.msg.Destination, &f, now); isClosed {
			closed[r.msg.Destination] = true
			recorded.Closed = append(recorded.Closed, c)
			continue
		}
		recorded.Begun = append(recorded.Begun, m.begin(r, now))
		s.fly(f.N, r, now)
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		d, known := m.destinations[name]
		if !known || closed[name] {
			continue
		}
		if c, isClosed := d.closed(now); isClosed {
			recorded.Closed = append(recorded.Closed, c)
		}
	}
	return recorded, nil
}

// admit lets one message through to its destination, or says why not.
func (m *Memory) admit(name string, f *outbox.Flight, now time.Time) (outbox.Closed, bool) {
	d, known := m.destinations[name]
	c, isClosed := outbox.Closed{}, false
	if known {
		c, isClosed = d.closed(now)
	}
	if isClosed && !(f.Probe && d.maybeProbed(f.Early, now)) {
		return c, true
	}
	rate := f.Rates[name]
	if allowed, wait := rate.Allow(now.UnixMicro(), m.spent[name]); allowed < 1 {
		return outbox.Closed{Destination: name, For: wait, Limited: true}, true
	}
	if rate.Count > 0 {
		m.spent[name] = rate.Spend(now.UnixMicro(), m.spent[name], 1)
	}
	if isClosed {
		d.probed(now.Add(f.ProbeFor), now)
	}
	return outbox.Closed{}, false
}

// closed tells whether a destination may not be sent to freely.
func (d *destination) closed(now time.Time) (outbox.Closed, bool) {
	c := outbox.Closed{Destination: d.Name}
	if d.Pausing == outbox.PausedByOperator {
		c.ByOperator = true
		return c, true
	}
	if d.Name == "" {
		return c, d.Pausing != outbox.NotPaused
	}
	c.Probing = d.Pausing == outbox.PausedByItself || !d.BrokenUntil.IsZero()
	c.For = max(0, later(later(d.HeldUntil, d.ProbeAt), d.BrokenUntil).Sub(now))
	return c, c.Probing || c.For > 0
}

// maybeProbed tells whether one message may test a destination that is closed.
func (d *destination) maybeProbed(early bool, now time.Time) bool {
	return d.Pausing != outbox.PausedByOperator && !d.HeldUntil.After(now) && !d.BrokenUntil.After(now) &&
		(early || !d.ProbeAt.After(now))
}

// probed closes a destination to other probes.
func (d *destination) probed(until, now time.Time) {
	if d.Pausing == outbox.PausedByItself {
		d.ProbeAt = until
	}
	if !d.BrokenUntil.IsZero() {
		d.BrokenUntil = until
	}
	d.closedAt = now
}

// begin is what a sender is told of a message that it may send.
func (m *Memory) begin(r *row, now time.Time) outbox.Begun {
	b := outbox.Begun{
		ID: r.msg.ID, Attempts: r.msg.Attempt, Lost: r.lost, Doubt: r.msg.Doubt, NotReadySince: r.notReady,
		Alone: m.ofKey[r.key] == 1 && r.due.IsZero() && r.msg.Doubt == 0,
	}
	if !r.notReady.IsZero() {
		b.Waited = max(0, now.Sub(r.notReady))
	}
	return b
}
