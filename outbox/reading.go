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
	// nearby is so few IDs that what is new is read together with what may still be committed behind it.
	nearby = 4000
	// mostKnown is the most messages that a reading is told to leave out.
	mostKnown = 2000
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

// due reads a page of what was put off and is due. A pass begins at the earliest.
func (f *reader) due(req *Reading, now time.Time) func(Read) {
	if !f.duePage {
		f.dueFrom = Reading{}
	}
	req.Due, req.AfterDue, req.After = true, f.dueFrom.AfterDue, f.dueFrom.After
	req.Shards = append(req.Shards, f.session.shardsThat(taken)...)
	for d := range f.session.behind {
		if d.dueLeft {
			req.Except = append(req.Except, d.name)
		}
	}
	f.dueAt = now.Add(f.cfg.pollEvery())
	return func(got Read) {
		f.admit(got, forAll)
		f.duePage, f.dueFrom.AfterDue, f.dueFrom.After = got.More, got.LastDue, got.Last
		if got.NextDue > 0 {
			f.dueAt = earlier(f.dueAt, now.Add(got.NextDue))
		}
	}
}

// key reads more of an ordering key.
func (f *reader) key(req *Reading) func(Read) {
	f.refills++
	k := f.session.refillableKey()
	req.Key, req.HasKey, req.After, req.Limit = k.key, true, k.left-1, max(1, k.to.perKey(f.session.window)-len(k.rows))
	req.Shards = []int{ShardOf(k.key)}
	return func(got Read) {
		if f.session.keys[k.key] != k || k.left-1 != req.After {
			return // it changed meanwhile, and is read again
		}
		k.left = 0
		f.admit(got, forKey)
		if got.More {
			k.left = first(k.left, got.Last+1)
		}
		f.session.settleKey(k)
	}
}

// destination reads more of a destination: what is due before what is fresh.
func (f *reader) destination(req *Reading) func(Read) {
	f.refills++
	d := f.session.refillable()
	shut, takes := d.shut, f.session.takes
	req.Destination, req.Limit = d.name, max(1, min(req.Limit, d.room(f.session.window)))
	if d.dueLeft {
		req.Due, req.AfterDue, req.After = true, d.dueFrom.AfterDue, d.dueFrom.After
		return func(got Read) {
			if d.shut != shut || f.session.takes != takes {
				return // it was closed meanwhile, or there are more shards
			}
			if req.After == 0 {
				d.dueMissed = false
			}
			f.admit(got, forDestination)
			d.dueFrom, d.dueLeft = Reading{}, d.dueMissed
			if got.More {
				d.dueFrom, d.dueLeft = Reading{AfterDue: got.LastDue, After: got.Last}, true
			}
			f.caughtUp(d)
		}
	}
	req.After = d.left - 1
	return func(got Read) {
		if d.shut != shut || d.left-1 != req.After {
			return
		}
		d.left = 0
		f.admit(got, forDestination)
		if got.More {
			d.left = first(d.left, got.Last+1)
		}
		f.caughtUp(d)
	}
}

// caughtUp forgets that a destination is behind, if it is not.
func (f *reader) caughtUp(d *destState) {
	if d.left == 0 && !d.dueLeft {
		delete(f.session.behind, d)
	} else {
		f.session.behind[d] = struct{}{}
	}
}

// probe finds a message that tests a closed destination: the first of the ordering key whose turn it is. Fresh
// messages go before due ones, so that not the same few are tried again and again.
func (f *reader) probe(req *Reading, now time.Time) func(Read) {
	d := f.session.testable(now)
	req.Limit = 1
	if key, ok := d.probeKey, d.hasProbeKey; ok {
		req.Key, req.HasKey, req.Shards = key, true, []int{ShardOf(key)}
		return func(got Read) {
			d.hasProbeKey = false
			if d.closed() && (len(got.Messages) == 0 || !f.mayTest(d, &got.Messages[0])) {
				d.shutUntil = now.Add(f.cfg.Poll)
			}
		}
	}
	req.Destination, req.Due = d.name, d.probeDue
	return func(got Read) {
		switch {
		case !d.closed(): // it was opened meanwhile
		case len(got.Messages) > 0:
			d.probeKey, d.hasProbeKey, d.probeDue = got.Messages[0].Key, true, false
		case !d.probeDue:
			d.probeDue = true
		default: // there is neither
			d.probeDue, d.early = false, false
			d.shutUntil = now.Add(f.cfg.Poll)
		}
	}
}

// mayTest makes a message its destination's probe, unless something of its ordering key is under way.
func (f *reader) mayTest(d *destState, w *Waiting) bool {
	s := f.session
	k := s.keys[w.Key]
	if _, known := s.known[w.ID]; known || k != nil && k.busy || !s.holds(w.Key) || w.Destination != d.name {
		return false
	}
	s.known[w.ID] = struct{}{}
	d.probe = w
	s.probes = append(s.probes, d)
	return true
}

// shards reads a page of what new shards have, due messages of theirs having been read before.
func (f *reader) shards(req *Reading) func(Read) {
	s := f.session
	c := &s.scans[0]
	req.Shards, req.After = nil, c.after
	for _, n := range c.shards {
		if s.owned[n] == taken {
			req.Shards = append(req.Shards, n)
		}
	}
	if len(req.Shards) == 0 {
		s.scans = s.scans[1:]
		req.Shards = s.shardsThat(owned)
		return f.fresh(req, time.Now())
	}
	f.except(req)
	return func(got Read) {
		f.admit(got, forAll)
		c.after = max(c.after, got.Last)
		first := len(s.shardsThat(owned)) == 0
		for d := range s.behind { // the new shards may have been read beyond the others
			if !first && d.left > s.head+1 {
				d.left = s.head + 1
			}
		}
		if got.More {
			return
		}
		for _, n := range c.shards {
			if s.owned[n] == taken {
				s.owned[n] = owned
			}
		}
		if first { // the others are read from there on
			s.head = max(s.head, c.after)
		}
		if s.scans = s.scans[1:]; len(s.scans) == 0 {
			s.seen, f.latePage = lateness{}, false // what was committed late of these is looked for from the start
		}
	}
}

// late looks again at what was read, for what was committed behind it.
func (f *reader) late(req *Reading, now time.Time) func(Read) {
	s := f.session
	if !f.latePage {
		f.lateFrom, f.lateTo = s.seen.bound, s.seen.reached
		if !now.Before(f.allAt) {
			f.lateFrom, f.allAt = 0, now.Add(allLate)
		}
	}
	req.After, req.UpTo = f.lateFrom, s.head
	if len(s.known) <= mostKnown {
		for id := range s.known {
			if id > req.After && id <= req.UpTo {
				req.Known = append(req.Known, id)
			}
		}
	}
	if req.After >= req.UpTo {
		f.lateAt, f.latePage = now.Add(f.cfg.Poll), false
		return f.fresh(req, now)
	}
	f.except(req)
	f.lateAt = now
	return func(got Read) {
		f.admit(got, forAll)
		if f.latePage, f.lateFrom = got.More, got.Last; !got.More {
			f.lateAt = now.Add(f.cfg.Poll)
			s.seen.lookedThrough(f.lateTo)
		}
	}
}

// fresh reads what is new.
func (f *reader) fresh(req *Reading, now time.Time) func(Read) {
	f.refills, f.woken = 0, false
	s := f.session
	req.After, req.UpTo, req.Known = s.head, 0, nil
	f.except(req)
	if s.head-s.seen.bound <= nearby && len(s.known) <= mostKnown {
		// Of checkouts side by side the later ID may be committed first.
		req.After = max(s.seen.bound, f.headFrom)
		for id := range s.known {
			if id > req.After {
				req.Known = append(req.Known, id)
			}
		}
	}
	f.pollAt = now.Add(longer(f.cfg.pollEvery()))
	return func(got Read) {
		f.admit(got, forAll)
		s.head = max(s.head, got.Last)
		f.headMore, f.headFrom = got.More, 0
		if got.More {
			f.headFrom = got.Last
		}
	}
}

// admit keeps what was read of shards that are still this session's.
func (f *reader) admit(got Read, from source) {
	for i := range got.Messages {
		w := got.Messages[i] // a copy: one message that waits long must not keep the whole page
		if f.session.holds(w.Key) {
			f.session.admit(&w, from)
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
