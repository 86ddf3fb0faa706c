package outbox

import (
	"context"
	"errors"
	"time"
)

// membership keeps a session alive, shares the shards with the others, and reaps those that are dead.
type membership struct {
	*run
	away outage
	of   *session
	// stood tells how long the others' beats have stood still.
	stood map[SessionID]*standing
	last  time.Time // of the last beat that succeeded
	take  int
	mend  bool
	// mended is when the store was last looked through for times that lie ahead.
	mended time.Time
	// ahead is by how much the database's clock advanced more than the local one since the first pulse.
	ahead   time.Duration
	dbBegan time.Time
	began   time.Time
	first   bool // no pulse has come yet
	head    ID   // what had been read when the last beat was sent
	beats   int64
}

// standing is how a session's beats stood, and for how long.
type standing struct {
	SessionBeats
	still time.Duration
}

// mendEvery is how often put-off times are looked through that lie ahead of the database's clock.
const mendEvery = 10 * time.Minute

// renewWithin is how long after a beat the sender may act on its session.
func (c SenderConfig) renewWithin() time.Duration { return c.Session * 4 / 5 }

// beatEvery is the time between two beats.
func (c SenderConfig) beatEvery() time.Duration { return min(max(time.Second, c.Poll), c.Session/10) }

// pollEvery is the time between two looks for work that nothing announced. Beats announce it too.
func (c SenderConfig) pollEvery() time.Duration {
	if c.Poll < c.beatEvery() {
		return c.Poll
	}
	return max(c.Poll, allLate)
}

// beat beats until ctx ends.
func (r *run) beat(ctx context.Context) {
	m := &membership{run: r, away: outage{what: "cannot renew the session"}}
	for ctx.Err() == nil {
		again := m.once(ctx)
		if again {
			continue
		}
		pause(ctx, r.beatNow, r.cfg.beatEvery())
	}
}

// once beats, or joins, and tells whether to go on at once.
func (m *membership) once(ctx context.Context) (again bool) {
	m.mu.Lock()
	s := m.session
	m.mu.Unlock()
	if s == nil {
		return m.join(ctx)
	}
	if s != m.of {
		*m = membership{run: m.run, away: m.away, of: s, stood: map[SessionID]*standing{}, take: Shards, mend: true, first: true}
	}
	m.mu.Lock()
	head := m.head // that of the beat before: an ID is given out a moment before its transaction is known
	m.head = s.head
	b := Beat{Session: s.id, Give: s.given(), Take: m.take, Dead: m.dead(), Mend: m.mend}
	m.mu.Unlock()
	begun := time.Now()
	p, err := within(ctx, m.cfg.Session/4, "renew the session", func(ctx context.Context) (Pulse, error) {
		return m.queue.Beat(ctx, b)
	})
	switch {
	case errors.Is(err, ErrNoSession):
		m.lost(s)
		return true
	case ctx.Err() != nil:
		return false
	case err != nil:
		m.away.failed(m.base, m.cfg.Logger, m.cfg.beatEvery(), err)
		return false
	}
	m.away.over(m.base, m.cfg.Logger)
	if m.setBack(p) {
		m.cfg.Logger.ErrorContext(m.base, "amsbridge: the store was replaced by an earlier one while this sender ran; were it and the others stopped?")
		m.lost(s)
		return true
	}
	m.watch(p, begun)
	m.tellOfAnother(p.Closed)
	for _, dead := range p.Poisoned {
		m.alarm(m.base, AlarmParked, dead.Message, dead.Reason)
	}
	if p.Reaped > 0 {
		m.cfg.Logger.WarnContext(m.base, "amsbridge: messages of senders that are dead fell due", "messages", p.Reaped, "senders", len(b.Dead))
	}
	if p.Mended > 0 {
		m.cfg.Logger.WarnContext(m.base, "amsbridge: the database's clock was set back; what was put off by it is due", "messages", p.Mended)
	}
	return m.renewed(s, b, p, head, begun)
}

// join begins a session.
func (m *membership) join(ctx context.Context) (again bool) {
	m.mu.Lock()
	stopping := m.stopping
	m.mu.Unlock()
	if stopping {
		return false
	}
	begun := time.Now()
	id, err := within(ctx, m.cfg.SettleTimeout, "join", func(ctx context.Context) (SessionID, error) {
		return m.queue.Join(ctx, Joining{By: m.cfg.Name, Length: m.cfg.Session, Installation: m.cfg.Installation})
	})
	if err != nil {
		if ctx.Err() == nil {
			m.backOff(ctx, &m.away, err)
		}
		return true
	}
	m.away.over(m.base, m.cfg.Logger)
	s := newSession(m.base, id, m.cfg.Window, m.cfg.Concurrency)
	s.renewed = begun
	m.mu.Lock()
	m.session = s
	m.mu.Unlock()
	return true
}

// setBack tells that the store was replaced by an earlier one while the session went on: its own beats stand lower
// than they stood. Whether it may be sent from is then asked by joining.
func (m *membership) setBack(p Pulse) bool {
	before := m.beats
	for _, b := range p.Sessions {
		if b.ID == m.of.id {
			m.beats = b.Beats
		}
	}
	return before > 0 && m.beats <= before
}

// tellOfAnother tells once that everything is paused by a sender of another installation.
func (m *membership) tellOfAnother(closed []Closed) {
	why := ""
	for _, c := range closed {
		if c.Destination == "" && !c.ByOperator {
			why = c.Reason
		}
	}
	if why != "" && m.another == "" {
		m.cfg.Logger.ErrorContext(m.base, "amsbridge: everything is paused", "reason", why)
		if m.cfg.Alarm != nil {
			m.alarm(m.base, AlarmInstallation, Message{}, why)
		}
	}
	m.another = why
}

// dead are sessions that stood still for as long as they said.
func (m *membership) dead() []SessionBeats {
	var out []SessionBeats
	for _, o := range m.stood {
		if o.still >= o.Length {
			out = append(out, o.SessionBeats)
		}
	}
	return out
}

// watch counts for how long the others stood still. Time in which the store could not be reached is not
// counted: they could not reach it either, perhaps.
func (m *membership) watch(p Pulse, begun time.Time) {
	passed := min(begun.Sub(m.last), 2*m.cfg.beatEvery())
	m.last = begun
	stood := make(map[SessionID]*standing, len(p.Sessions))
	for _, b := range p.Sessions {
		o := m.stood[b.ID]
		switch {
		case b.ID == m.of.id:
			continue
		case o == nil || o.Beats != b.Beats:
			o = &standing{SessionBeats: b}
		default:
			o.still += passed
		}
		stood[b.ID] = o
	}
	m.stood = stood
	if m.first {
		m.dbBegan, m.began = p.Now, begun
	}
	ahead := p.Now.Sub(m.dbBegan) - begun.Sub(m.began) // by the monotonic clock
	m.mend = !m.first && ahead < m.ahead-2*time.Second || begun.Sub(m.mended) > mendEvery
	if m.mend {
		m.mended = begun
	}
	m.ahead = ahead
}

// renewed draws the conclusions from a pulse, and tells whether another beat is wanted at once.
func (m *membership) renewed(s *session, b Beat, p Pulse, head ID, begun time.Time) (again bool) {
	alive := 1
	for _, o := range m.stood {
		if o.still < o.Length {
			alive++
		}
	}
	fair := (Shards + alive - 1) / alive
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.session != s {
		return true
	}
	s.renewed = begun
	m.expireWith(s)
	for _, n := range b.Give {
		s.owned[n] = notOwned // it may have been taken again at once
	}
	s.take(p.Owned)
	s.giveBack(len(p.Owned) - len(s.shardsThat(givenBack)) - fair)
	m.take = max(0, fair-len(p.Owned))
	if len(s.scans) == 0 {
		s.seen.note(p, head)
	}
	m.closing(p.Closed, begun)
	m.first = false
	m.handOver()
	if m.mayBegin() {
		m.resume()
	}
	m.woken = m.woken || p.Newest > s.head
	switch {
	case p.Reaped > 0 || p.Mended > 0 || len(s.scans) > 0:
		m.dueBy(now)
	case p.NextDue < 2*m.cfg.beatEvery():
		m.dueBy(now.Add(p.NextDue))
	}
	wake(m.reader)
	wake(m.recorder)
	return m.take > 0 && p.Free > 0
}

// expireWith ends the session's deliveries when it was not renewed for too long.
func (m *membership) expireWith(s *session) {
	if s.expiry == nil {
		s.expiry = time.AfterFunc(m.cfg.renewWithin()-time.Since(s.renewed), func() { m.expire(s) })
		return
	}
	s.expiry.Reset(m.cfg.renewWithin() - time.Since(s.renewed))
}

// expire cancels the deliveries of a session that was not renewed: others may take the sender for dead soon.
func (r *run) expire(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.session != s || time.Since(s.renewed) < r.cfg.renewWithin() {
		return
	}
	if s.inHand > 0 {
		r.cfg.Logger.WarnContext(r.base, "amsbridge: the session could not be renewed in time; deliveries are cancelled", "deliveries", s.inHand)
	}
	s.cancel()
	s.ctx, s.cancel = context.WithCancel(r.base) // for when it is renewed after all
}

// leave ends the session in good order.
func (r *run) leave() {
	r.mu.Lock()
	s := r.session
	r.mu.Unlock()
	if s == nil {
		return
	}
	if s.expiry != nil {
		s.expiry.Stop()
	}
	s.cancel()
	_, err := within(r.base, r.cfg.SettleTimeout, "leave", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, r.queue.Leave(ctx, s.id)
	})
	if err != nil && !errors.Is(err, ErrNoSession) {
		r.cfg.Logger.WarnContext(r.base, "amsbridge: the session could not be ended; others wait until it is over", "error", err.Error())
	}
}
