package outbox

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// model is a store of a few ordering keys, and drives one sender's session step by step, in whatever order
// its goroutines might run. Another session has the shards that are not the sender's.
type model struct {
	t    *testing.T
	rnd  *rand.Rand
	calm bool // nothing goes wrong any more
	*run
	reader  *reader
	settler *settler
	beats   *membership
	last    ID
	rows    map[ID]*modelRow
	mine    [Shards]bool
	free    [Shards]bool
	closed  map[string]*Closed
	until   map[string]time.Time // how long
	alive   int
	trace   []string
	events  int

	read    func(fail bool) // under way
	planned *plan
	sending map[int64]ID // by ordering key, here or elsewhere
	at      []*batch     // being sent
}

type modelRow struct {
	Waiting
	begun  bool // in flight, or its outcome is not recorded yet
	tried  bool // at least once
	reaped bool // another session died while it was in flight
	open   bool // it is not committed yet
	born   int  // when it was inserted, and shown when it was committed
	shown  int
	late   bool // what has a greater ID may have been read before
}

type noQueue struct{ Queue }

func newModel(t *testing.T, seed uint64, window int) *model {
	s, err := NewSender(noQueue{}, SenderConfig{
		Destinations: Fixed{"a": nowhere{}}, Concurrency: 3, Window: window, Poll: 100 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	m := &model{
		t: t, rnd: rand.New(rand.NewPCG(seed, 1)), run: newRun(t.Context(), s), rows: map[ID]*modelRow{}, closed: map[string]*Closed{},
		until: map[string]time.Time{}, alive: 1, sending: map[int64]ID{},
	}
	for i := range m.free {
		m.free[i] = true
	}
	m.session = newSession(m.base, 1, window, 3)
	m.reader, m.settler = &reader{run: m.run}, &settler{run: m.run, limit: maxBatch}
	m.beats = &membership{run: m.run, of: m.session, stood: map[SessionID]*standing{}, take: Shards, first: true}
	return m
}

type nowhere struct{}

func (nowhere) Deliver(context.Context, Message) (Result, error) { return Result{}, nil }

func (m *model) chance(percent int) bool { return !m.calm && m.rnd.IntN(100) < percent }

func (m *model) note(format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf(format, args...))
}

func (m *model) fail(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf(format+"\n%s", append(args, strings.Join(m.trace[max(0, len(m.trace)-400):], "\n"))...)
}

// modelKeys are ordering keys, the first of which gets most messages.
const modelKeys = 12

func (m *model) insert() {
	key := int64(0)
	if m.rnd.IntN(3) > 0 {
		key = m.rnd.Int64N(modelKeys)
	}
	m.last++
	msg := Message{ID: m.last, Destination: string(rune('a' + key%3)), Person: fmt.Sprint(key)}
	m.events++
	r := &modelRow{Waiting: Waiting{Message: msg, Key: msg.OrderingKey()}, open: true, born: m.events}
	m.rows[m.last] = r
	if m.rnd.IntN(3) > 0 {
		m.commit(r)
	}
}

func (m *model) commit(r *modelRow) {
	m.events++
	r.open, r.shown = false, m.events
	for _, q := range m.rows {
		r.late = r.late || q.ID > r.ID && !q.open
	}
}

// sorted are the rows of a kind, by due time if so, and by ID.
func (m *model) sorted(byDue bool, is func(r *modelRow) bool) []*modelRow {
	var out []*modelRow
	for _, r := range m.rows {
		if !r.open && is(r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *modelRow) int {
		if c := a.Due.Compare(b.Due); byDue && c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return out
}

// answer is what a reading returns.
func (m *model) answer(q Reading) Read {
	now := time.Now()
	rows := m.sorted(q.Due, func(r *modelRow) bool {
		switch {
		case r.Due.After(now), !slices.Contains(q.Shards, ShardOf(r.Key)), slices.Contains(q.Except, r.Destination),
			slices.Contains(q.Known, r.ID), q.Destination != "" && r.Destination != q.Destination, q.HasKey && r.Key != q.Key:
			return false
		case q.Due:
			return !r.Due.IsZero() && (r.Due.After(q.AfterDue) || r.Due.Equal(q.AfterDue) && r.ID > q.After)
		}
		return (q.HasKey || r.Due.IsZero()) && r.ID > q.After && (q.UpTo == 0 || r.ID <= q.UpTo)
	})
	got := Read{LastDue: q.AfterDue, Last: q.After}
	limit := q.Limit
	if m.chance(30) {
		limit = 1 + m.rnd.IntN(limit) // the store's own limit
	}
	for _, r := range rows[:min(limit, len(rows))] {
		got.Messages = append(got.Messages, r.Waiting)
		got.LastDue, got.Last = r.Due, r.ID
	}
	got.More = len(rows) >= limit
	return got
}

// beginReading has the reader choose, and returns what ends it.
func (m *model) beginReading() {
	now := time.Now()
	kind, q, apply, until := m.reader.next(now)
	m.reader.allAt = now.Add(time.Hour) // nothing is left to the net
	if kind == readNothing {
		if !until.After(now) {
			m.fail("the reader spins")
		}
		return
	}
	m.note("read %d %+v", kind, q)
	early := m.chance(50)
	var got Read
	if early {
		got = m.answer(q)
	}
	m.read = func(fail bool) {
		m.note("reading ended, failed %v", fail)
		if fail {
			m.reader.again(kind)
			return
		}
		if !early {
			got = m.answer(q)
		}
		for _, w := range got.Messages {
			m.note("read %d of key %d, due %v", w.ID, w.Key, w.Due.UnixMilli())
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		apply(got)
	}
}

// beat gives and takes shards.
func (m *model) beat() {
	if m.chance(30) {
		m.alive = 1 + m.rnd.IntN(4)
	}
	if m.calm {
		m.alive = 1
	}
	for i := range m.free { // the others
		if !m.mine[i] && (m.calm || m.chance(20)) {
			m.free[i] = !m.free[i] || m.calm
			m.elsewhere(i)
		}
	}
	s, begun := m.session, time.Now()
	b := Beat{Session: s.id, Give: s.given(), Take: m.beats.take}
	for _, n := range b.Give {
		m.mine[n], m.free[n] = false, true
	}
	p := Pulse{Now: begun, Begun: uint64(m.last), Ended: uint64(m.last)}
	for id, r := range m.rows {
		if r.open {
			p.Ended = min(p.Ended, uint64(id-1))
		}
	}
	for n := range m.free {
		if m.free[n] && b.Take > 0 {
			b.Take--
			m.free[n], m.mine[n] = false, true
		}
		if m.mine[n] {
			p.Owned = append(p.Owned, n)
		} else if m.free[n] {
			p.Free++
		}
	}
	for name, c := range m.closed {
		if c.For = m.until[name].Sub(begun); c.For <= 0 && !c.Probing && !c.ByOperator {
			delete(m.closed, name)
			continue
		}
		p.Closed = append(p.Closed, *c)
	}
	m.note("beat give %v owned %v closed %v", b.Give, p.Owned, p.Closed)
	m.beats.stood = map[SessionID]*standing{}
	for i := range m.alive - 1 {
		m.beats.stood[SessionID(i+2)] = &standing{SessionBeats: SessionBeats{Length: time.Second}}
	}
	m.beats.renewed(s, b, p, s.head, begun)
}

// elsewhere is what another session did with a shard before it let it go.
func (m *model) elsewhere(shard int) {
	for _, r := range m.sorted(false, func(r *modelRow) bool { return ShardOf(r.Key) == shard }) {
		if r.begun {
			m.fail("%d is in flight here, and elsewhere", r.ID)
		}
		switch m.rnd.IntN(4) {
		case 0:
			delete(m.rows, r.ID)
		case 1: // it died
			r.Due, r.reaped, r.Lost = time.Now(), true, r.Lost+m.rnd.IntN(2)
			m.note("%d of key %d was lost elsewhere", r.ID, r.Key)
		default:
			return
		}
	}
}

func (m *model) record() {
	if m.planned == nil {
		if m.planned, _ = m.plan(time.Now()); m.planned != nil {
			m.note("plan %v", m.planned.flight.Messages)
		}
		return
	}
	p := m.planned
	m.planned = nil
	if m.chance(10) {
		m.note("recording failed")
		m.unplan(p)
		return
	}
	var rec Recorded
	limited, now := m.chance(10), time.Now()
	shut := map[string]bool{}
	for _, q := range p.flight.Messages {
		r, c := m.rows[q.ID], m.closed[q.Destination]
		switch {
		case r == nil || r.Due.After(now) || shut[q.Destination]:
		case c != nil && !(p.flight.Probe && !c.ByOperator && (p.flight.Early || !now.Before(m.until[q.Destination]))):
			shut[q.Destination] = true
			c.For = max(0, m.until[q.Destination].Sub(now))
			rec.Closed = append(rec.Closed, *c)
		case limited && m.chance(30):
			shut[q.Destination] = true
			rec.Closed = append(rec.Closed, Closed{Destination: q.Destination, Limited: true, For: 10 * time.Millisecond})
		default:
			if r.begun {
				m.fail("%d is recorded twice", q.ID)
			}
			if !m.mine[ShardOf(r.Key)] {
				m.fail("%d is recorded, of a shard of another session", q.ID)
			}
			rec.Begun = append(rec.Begun, Begun{ID: q.ID, Lost: r.Lost})
		}
	}
	m.note("recorded %v of %d, closed %v", rec.Begun, p.flight.N, rec.Closed)
	m.launch(p, rec)
}

// begins checks what a worker is about to send.
func (m *model) begins(b *batch) {
	id := b.rows[b.at].ID
	r := m.rows[id]
	m.note("send %d of key %d", id, b.key.key)
	switch {
	case r == nil:
		m.fail("%d has left the queue", id)
	case !m.mine[ShardOf(r.Key)]:
		m.fail("%d is of another session's shard", id)
	case m.sending[r.Key] != 0:
		m.fail("%d and %d of key %d at once", m.sending[r.Key], id, r.Key)
	case r.Lost >= SuspectAfter && m.session.unsettled > 1:
		m.fail("the suspect %d is not alone", id)
	}
	for _, q := range m.rows {
		if q.Key == r.Key && q.ID < id && !q.begun && !q.open && q.shown < r.born && !q.late && q.Lost < SuspectAfter && r.Lost < SuspectAfter &&
			(!q.tried && q.Due.IsZero() || q.reaped && r.Due.IsZero()) {
			m.fail("%d goes before %d, of key %d, reaped %v, a probe %v", id, q.ID, q.Key, q.reaped, b.probe)
		}
	}
	m.sending[r.Key], r.begun, r.tried = id, true, true
	m.at = append(m.at, b)
}

// work lets a destination's workers begin or end something.
func (m *model) work(d *destState) {
	sending := 0
	for _, b := range m.at {
		if b.to == d {
			sending++
		}
	}
	if sending < m.cfg.Concurrency && len(d.batches) > 0 && (sending == 0 || m.rnd.IntN(2) == 0) {
		m.mu.Lock()
		b := m.next(d)
		m.mu.Unlock()
		if b != nil {
			m.begins(b)
		}
		return
	}
	for i, b := range m.at {
		if b.to == d {
			m.at = slices.Delete(m.at, i, i+1)
			m.ends(b)
			return
		}
	}
}

func (m *model) ends(b *batch) {
	st := Settlement{Message: b.rows[b.at].Message, State: StateDelivered, Outcome: OutcomeDelivered, Resume: b.probe}
	switch {
	case m.chance(10):
		st = Settlement{Message: st.Message, State: StatePending, Outcome: OutcomeUnavailable, Delay: time.Duration(m.rnd.IntN(500)) * time.Millisecond}
	case m.chance(3):
		st = Settlement{Message: st.Message, State: StatePending, Outcome: OutcomeThrottled, Hold: time.Duration(1+m.rnd.IntN(300)) * time.Millisecond}
	case m.chance(3):
		st = Settlement{Message: st.Message, State: StatePending, Outcome: OutcomeUnauthorized, Pause: "no", ProbeEvery: time.Duration(1+m.rnd.IntN(300)) * time.Millisecond}
	}
	delete(m.sending, b.key.key)
	m.note("%d ended: %v", st.Message.ID, st.Outcome)
	if next := m.finish(b, &st); next != nil {
		m.begins(next)
	}
}

func (m *model) settle() {
	m.settler.collect(math.MaxInt)
	m.settler.over, m.session.settling = nil, false
	n := m.settler.backlog.len()
	if n == 0 {
		return
	}
	n = 1 + m.rnd.IntN(n)
	done := m.settler.backlog.split(func(i int) bool { return i < n })
	now := time.Now()
	for _, st := range done.st {
		r, name := m.rows[st.Message.ID], st.Message.Destination
		switch {
		case st.State == StateDelivered:
			delete(m.rows, r.ID)
			if c := m.closed[name]; st.Resume && c != nil && !c.ByOperator {
				delete(m.closed, name)
			}
		default:
			r.Due, r.begun, r.reaped, r.Lost = now.Add(st.Delay), false, false, 0
		}
		if st.shuts() && m.closed[name] == nil {
			m.closed[name] = &Closed{Destination: name, Probing: st.Pause != ""}
			m.until[name] = now.Add(max(st.Hold, st.ProbeEvery))
		}
	}
	m.note("settled %d", n)
	var over []int64 // recorded by the same call
	if m.rnd.IntN(2) == 0 {
		for _, b := range done.of {
			over = append(over, b.flight.n)
		}
	}
	m.settler.recorded(done, over)
}

func (m *model) operate() {
	name := string(rune('a' + m.rnd.IntN(3)))
	if c := m.closed[name]; c != nil && c.ByOperator {
		delete(m.closed, name)
	} else if m.chance(20) {
		m.closed[name] = &Closed{Destination: name, ByOperator: true}
	}
}

func (m *model) step(beaten time.Time) time.Time {
	for _, d := range m.session.states {
		d.workers = m.cfg.Concurrency // all are this model's
		d.speed.rate = 1000 * float64(1+m.rnd.IntN(3))
	}
	switch m.rnd.IntN(8) {
	case 0, 1:
		if m.read == nil {
			m.beginReading()
		} else {
			read := m.read
			m.read = nil
			read(m.chance(10))
		}
	case 2, 3:
		m.record()
	case 4, 5:
		for _, d := range m.session.states {
			m.work(d)
		}
	case 6:
		m.settle()
	default:
		time.Sleep(time.Duration(m.rnd.IntN(20)) * time.Millisecond)
	}
	for _, r := range m.rows {
		if r.open && m.rnd.IntN(40) == 0 {
			m.commit(r)
		}
	}
	if time.Since(beaten) > 200*time.Millisecond {
		m.beat()
		beaten = time.Now()
		m.operate()
	}
	return beaten
}

// lost fails the test, and says what the session remembers of the first row that it does not find.
func (m *model) lost() {
	for id := ID(1); ; id++ {
		r := m.rows[id]
		if r == nil {
			continue
		}
		_, known := m.session.known[id]
		d, k := m.session.states[r.Destination], m.session.keys[r.Key]
		m.fail("%d are lost, the first is %+v: known %v, head %d, seen %+v, destination %+v, key %+v", len(m.rows), *r, known, m.session.head, m.session.seen, d, k)
	}
}

// However readings, recordings, outcomes, closings and hand-overs fall together, and whatever of them fails:
// nothing is lost, nothing is sent of another's shard, of one ordering key one at a time is, and no message
// that was never tried is overtaken.
func TestNothingIsLostOrOvertakenWhateverHappens(t *testing.T) {
	t.Parallel()
	for _, window := range []int{8, 40, 240} {
		for seed := range uint64(12) {
			t.Run(fmt.Sprintf("window %d seed %d", window, seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					m := newModel(t, seed, window)
					var beaten time.Time
					for range 3000 {
						for m.last < 2000 && m.rnd.IntN(10) < 3 {
							m.insert()
						}
						beaten = m.step(beaten)
					}
					m.calm = true
					for name, c := range m.closed {
						c.ByOperator = false
						m.until[name] = time.Now()
					}
					for n := 0; len(m.rows) > 0; n++ {
						if n == 30_000 {
							m.lost()
						}
						beaten = m.step(beaten)
					}
					m.session.expiry.Stop()
				})
			})
		}
	}
}
