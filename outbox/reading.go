package outbox

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Readings.
const (
	// pageSize is the most messages of one reading.
	pageSize = 500
	// allLate is how often everything that was read before is looked through for what was committed late.
	allLate = time.Minute
	// nearby is for how many IDs what may still be committed behind what is new is read together with it.
	nearby = 4000
	// mostKnown is the most messages that a reading is told to leave out: as many as a sender has by default.
	mostKnown = 4000
)

// reader reads what this sender's shards have to send, as far as there is room.
type reader struct {
	*run
	away outage
	// of is the session that the rest is about.
	of       *session
	dueAt    time.Time
	dueFrom  Reading // where the next page of due messages begins
	duePage  bool
	lateAt   time.Time
	allAt    time.Time
	lateFrom ID // where the next page of late ones begins, if latePage
	lateTo   ID // what was reached when the first one was asked for
	latePage bool
	headMore bool
	headFrom ID // where the next page of what is new begins, if headMore
	pollAt   time.Time
	refills  int
}

// read reads until ctx ends.
func (r *run) read(ctx context.Context) {
	f := &reader{run: r, away: outage{what: "cannot read messages"}}
	for ctx.Err() == nil {
		kind, req, apply, until := f.next(time.Now())
		if kind == readNothing {
			f.pause(ctx, time.Until(until))
			continue
		}
		got, err := within(r.base, r.cfg.SettleTimeout, "read messages", func(ctx context.Context) (Read, error) {
			return r.queue.Read(ctx, req)
		})
		if errors.Is(err, ErrNoSession) {
			r.lost(f.of)
			continue
		}
		if err != nil {
			f.again(kind)
			r.backOff(ctx, &f.away, err)
			continue
		}
		f.away.over(r.base, r.cfg.Logger)
		r.mu.Lock()
		if r.session == f.of {
			apply(got)
			r.handOver()
			wake(r.recorder)
		}
		r.mu.Unlock()
	}
}

// pause waits, or until there is reason to look.
func (f *reader) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-f.reader:
	case <-f.wake:
		f.mu.Lock()
		f.woken = true
		f.mu.Unlock()
	}
}

// next chooses a reading, and what is done with its result under r.mu.
func (f *reader) next(now time.Time) (readKind, Reading, func(Read), time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.session
	if s != f.of {
		*f = reader{run: f.run, of: s, away: f.away, pollAt: now, dueAt: now, lateAt: now.Add(f.cfg.Poll), allAt: now.Add(allLate)}
	}
	if s == nil {
		return readNothing, Reading{}, nil, now.Add(f.cfg.Poll)
	}
	select {
	case <-f.wake:
		f.woken = true
	default:
	}
	if s.dueAnew {
		s.dueAnew, f.duePage, f.dueAt = false, false, now
	}
	if f.dueSoon.Before(f.dueAt) && !f.dueSoon.IsZero() {
		f.dueAt = f.dueSoon
	}
	f.dueSoon = time.Time{}
	opensAt := f.openOver(now)
	kind, until := schedule(f.view(now, opensAt))
	if kind == readNothing {
		return kind, Reading{}, nil, until
	}
	req := Reading{Session: s.id, Shards: s.shardsThat(owned), Limit: min(pageSize, max(1, s.room()))}
	var apply func(Read)
	switch kind {
	case readDue:
		apply = f.due(&req, now)
	case readKey:
		apply = f.key(&req)
	case readDestination:
		apply = f.destination(&req)
	case readProbe:
		apply = f.probe(&req, now)
	case readShards:
		apply = f.shards(&req)
	case readLate:
		apply = f.late(&req, now)
	default:
		apply = f.fresh(&req, now)
	}
	if len(req.Shards) == 0 { // the beat that brings some wakes the reader
		f.headMore, f.duePage, f.latePage = false, false, false
		f.pollAt, f.dueAt, f.lateAt = now.Add(f.cfg.Poll), now.Add(f.cfg.Poll), now.Add(f.cfg.Poll)
		return readNothing, Reading{}, nil, f.pollAt
	}
	return kind, req, apply, now
}

// view is what the schedule is made of.
func (f *reader) view(now, opensAt time.Time) view {
	s := f.session
	v := view{
		now: now, active: f.mayBegin(), room: s.room(), dueAt: f.dueAt, duePage: f.duePage,
		shards: len(s.scans), lateAt: f.lateAt, woken: f.woken, headMore: f.headMore, pollAt: f.pollAt, opensAt: opensAt,
		refills: f.refills,
	}
	if s.seen.bound >= s.head && !f.latePage { // nothing can be committed behind it
		v.lateAt = f.allAt
	}
	if s.refillableKey() != nil {
		v.keys = 1
	}
	if s.refillable() != nil {
		v.destinations = 1
	}
	if s.testable(now) != nil {
		v.probes = 1
	}
	return v
}

// again has a reading that failed tried again.
func (f *reader) again(kind readKind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch kind {
	case readDue:
		f.dueAt = time.Now()
	case readHead:
		f.woken = true
	case readLate:
		f.lateAt = time.Now()
	}
}

// except passes over destinations that have no use for more, and notes that some of theirs is left.
func (f *reader) except(req *Reading) {
	for _, d := range f.session.excepted() {
		req.Except = append(req.Except, d.name)
		if !req.Due {
			f.session.leaveAll(d, req.After)
		}
	}
}

// openOver opens destinations whose time has come, and returns when the next one's does.
func (r *run) openOver(now time.Time) (next time.Time) {
	for d := range r.closed {
		switch {
		case d.shutting > 0 || d.testing || d.probe != nil:
		case !d.probing && !now.Before(d.shutUntil):
			r.open(d)
		case next.IsZero() || d.shutUntil.Before(next):
			next = d.shutUntil
		}
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// longer lengthens a pause by up to a fifth, so that many senders do not ask at
// once and none asks more often than it should.
func longer(d time.Duration) time.Duration {
	return d + time.Duration(jitter*rand.Float64()*float64(d)) //nolint:gosec // jitter is no secret
}
