package outboxtest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// session is a sender's membership.
type session struct {
	by      string
	at      string // identity of its installation
	length  time.Duration
	beats   int64
	flights map[int64]*recorded // by their number
}

// recorded is a flight that was recorded.
type recorded struct {
	at   time.Time
	rows []*row
}

// has tells whether a message that the flight names is in flight by it. What was put off since was settled; but of
// a time that has not come yet, since the clock was set back, nobody knows what came after it.
func (f *recorded) has(r *row, now time.Time) bool {
	return r.state == outbox.StatePending && (!r.putOffAt.After(f.at) || r.putOffAt.After(now))
}

// fly records a message of a flight.
func (s *session) fly(n int64, r *row, now time.Time) {
	f := s.flights[n]
	if f == nil {
		f = &recorded{at: now}
		s.flights[n] = f
	}
	if !slices.Contains(r.flights, f) {
		f.rows, r.flights = append(f.rows, r), append(r.flights, f)
	}
}

// land forgets a flight.
func (s *session) land(n int64) {
	f := s.flights[n]
	if f == nil {
		return
	}
	for _, r := range f.rows {
		r.flights = slices.DeleteFunc(r.flights, func(of *recorded) bool { return of == f })
	}
	delete(s.flights, n)
}

// Join implements [outbox.Queue].
func (m *Memory) Join(ctx context.Context, j outbox.Joining) (outbox.SessionID, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &session{by: outbox.CutText(j.By, 64), at: "memory", length: j.Length, flights: map[int64]*recorded{}}
	if j.Installation != "" {
		s.at = outbox.InstallationNamed(j.Installation)
	}
	m.meet(s)
	m.lastSession++
	m.sessions[m.lastSession] = s
	return m.lastSession, nil
}

// Beat implements [outbox.Queue].
func (m *Memory) Beat(ctx context.Context, b outbox.Beat) (outbox.Pulse, error) {
	if err := ctx.Err(); err != nil {
		return outbox.Pulse{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	own, live := m.sessions[b.Session]
	if !live {
		return outbox.Pulse{}, outbox.ErrNoSession
	}
	p := outbox.Pulse{Now: m.clock()}
	own.beats++
	for _, dead := range b.Dead {
		if s, ok := m.sessions[dead.ID]; ok && s.beats == dead.Beats && dead.ID != b.Session {
			reaped, poisoned := m.reap(dead.ID, p.Now)
			p.Reaped += reaped
			p.Poisoned = append(p.Poisoned, poisoned...)
		}
	}
	m.exchangeShards(b)
	if b.Mend {
		p.Mended = m.mend(p.Now)
	}
	m.tell(&p, b.Session)
	return p, nil
}

// exchangeShards gives shards back and takes free ones.
func (m *Memory) exchangeShards(b outbox.Beat) {
	for _, shard := range b.Give {
		if m.owners[shard] == b.Session {
			m.owners[shard] = 0
		}
	}
	for shard, owner := range m.owners {
		if b.Take > 0 && owner == 0 {
			m.owners[shard] = b.Session
			b.Take--
		}
	}
}

// tell fills in what a beat tells of the store.
func (m *Memory) tell(p *outbox.Pulse, own outbox.SessionID) {
	for _, id := range slices.Sorted(maps.Keys(m.sessions)) {
		s := m.sessions[id]
		p.Sessions = append(p.Sessions, outbox.SessionBeats{ID: id, Beats: s.beats, By: s.by, Length: s.length})
	}
	for shard, owner := range m.owners {
		switch owner {
		case own:
			p.Owned = append(p.Owned, shard)
		case 0:
			p.Free++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.destinations)) {
		if c, isClosed := m.destinations[name].closed(p.Now); isClosed {
			if name == "" && !c.ByOperator {
				c.Reason = m.destinations[name].Reason
			}
			p.Closed = append(p.Closed, c)
		}
	}
	if p.Newest = m.lastID; m.queue[m.lastID] == nil {
		p.Newest = 0
		for id := range m.queue {
			p.Newest = max(p.Newest, id)
		}
	}
	p.NextDue = outbox.MaxNextDue
	if putOff := m.putOff[""]; len(putOff) > 0 {
		p.NextDue = max(0, min(p.NextDue, putOff[0].due.Sub(p.Now)))
	}
	p.Begun, p.Ended = m.lastTx, m.lastTx
	for n := range m.openTx {
		p.Ended = min(p.Ended, n-1)
	}
}

// Leave implements [outbox.Queue].
func (m *Memory) Leave(ctx context.Context, id outbox.SessionID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, live := m.sessions[id]; !live {
		return outbox.ErrNoSession
	}
	m.reap(id, m.clock())
	return nil
}

// reap ends a session: its shards become free, and what it left in flight falls
// due, or is parked.
func (m *Memory) reap(id outbox.SessionID, now time.Time) (reaped int, poisoned []outbox.Record) {
	s := m.sessions[id]
	delete(m.sessions, id)
	for shard, owner := range m.owners {
		if owner == id {
			m.owners[shard] = 0
		}
	}
	lost := map[outbox.ID]*row{}
	for n, flight := range s.flights {
		for _, r := range flight.rows {
			if flight.has(r, now) {
				lost[r.msg.ID] = r
			}
		}
		s.land(n)
	}
	for _, id := range slices.Sorted(maps.Keys(lost)) {
		r := lost[id]
		doubted := r.msg.Doubt != 0
		r.lost++
		r.msg.Doubt |= outbox.DoubtLost
		if r.lost < outbox.PoisonAfter {
			m.putOffUntil(r, now, now)
			reaped++
			continue
		}
		m.park(r, outbox.ReasonKillsWorker)
		r.logged(outbox.Attempt{
			At: now, State: outbox.StateParked, Reason: outbox.ReasonKillsWorker, PossibleDuplicate: doubted, By: s.by,
		})
		poisoned = append(poisoned, r.record())
	}
	return reaped, poisoned
}

// mend makes due, or open, what was put off or closed by a clock that was ahead.
func (m *Memory) mend(now time.Time) (mended int) {
	for _, r := range slices.Clone(m.putOff[""]) {
		if r.putOffAt.After(now) {
			m.putOffUntil(r, now, now)
			mended++
		}
	}
	for _, d := range m.destinations {
		if d.closedAt.After(now) {
			d.HeldUntil, d.ProbeAt, d.BrokenUntil = earlier(d.HeldUntil, now), earlier(d.ProbeAt, now), earlier(d.BrokenUntil, now)
			d.closedAt = now
		}
	}
	for name, spent := range m.spent {
		if spent > now.Add(time.Hour).UnixMicro() { // no burst lasts so long
			delete(m.spent, name)
		}
	}
	return mended
}
