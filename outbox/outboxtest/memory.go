package outboxtest

import (
	"slices"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// MemoryConfig configures a [Memory].
type MemoryConfig struct {
	// Now is the store's clock; it is called under the store's lock and must
	// not call the store. Defaults to [time.Now], which a synctest bubble
	// replaces.
	Now func() time.Time
}

// Memory is a store that keeps everything in memory. It implements
// [outbox.Writer], [outbox.Queue] and [outbox.Inspector] with the semantics of
// the SQL stores, and passes the same suite. It is safe for concurrent use.
//
// It never waits for an open transaction, where a database would:
//
//   - Two open transactions may insert one key. The one that commits first
//     keeps it. The other's message is dropped, and the ID that its insertion
//     returned names nothing.
//   - Two open transactions may append one entry. The one that commits first
//     keeps it. The other's Commit fails with [ErrAppendedMeanwhile].
//
// Times are cut to microseconds, as databases keep them.
type Memory struct {
	now func() time.Time

	mu       sync.Mutex
	lastID   outbox.ID
	rows     map[outbox.ID]*row
	queue    map[outbox.ID]*row // those of rows that are pending or parked
	keys     map[place]*row
	named    map[string][]*row // by key, in whatever destination
	persons  map[string][]*row // by user ID, in whatever association
	subjects map[string][]*row
	entries  map[about][]outbox.Entry // in the order of their numbers
	done     map[task]bool
	told     map[task]bool
	lanes    map[int64][]*row  // the pending, by ID
	lines    map[string][]*row // the pending of a destination, by due time and ID
	lost     map[*row]struct{} // rows that lost a lease before the last
	states   map[string]*outbox.DestinationState
	spent    map[string]int64 // see outbox.Rate.Spend
	audit    []outbox.AuditEntry
}

var (
	_ outbox.Writer[*Tx] = (*Memory)(nil)
	_ outbox.Queue       = (*Memory)(nil)
	_ outbox.Inspector   = (*Memory)(nil)
)

// NewMemory returns an empty store.
func NewMemory(config MemoryConfig) *Memory {
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Memory{
		now:      config.Now,
		rows:     map[outbox.ID]*row{},
		queue:    map[outbox.ID]*row{},
		keys:     map[place]*row{},
		named:    map[string][]*row{},
		persons:  map[string][]*row{},
		subjects: map[string][]*row{},
		entries:  map[about][]outbox.Entry{},
		done:     map[task]bool{},
		told:     map[task]bool{},
		lanes:    map[int64][]*row{},
		lines:    map[string][]*row{},
		lost:     map[*row]struct{}{},
		states:   map[string]*outbox.DestinationState{},
		spent:    map[string]int64{},
	}
}

func (m *Memory) clock() time.Time { return m.now().UTC().Truncate(time.Microsecond) }

// place is what a key is unique in.
type place struct{ destination, key string }

func placeOf(msg *outbox.Message) place { return place{msg.Destination, msg.Key} }

// row is a stored message.
type row struct {
	msg      outbox.Message // its Attempt and Doubt are kept up to date
	lane     int64
	state    outbox.State
	reason   string
	due      time.Time
	token    outbox.Token
	lease    time.Time // when it ends; zero for none
	lost     int
	notReady time.Time
	settled  time.Time
	seq      int64
	releases []outbox.ID // see outbox.Settlement.Releases
	log      []outbox.Attempt
	logs     int // numbers given out in the log
}

// leased tells whether a lease is recorded, ended or not.
func (r *row) leased() bool { return !r.lease.IsZero() }

func (r *row) live(now time.Time) bool { return r.lease.After(now) }

func (r *row) unlease() { r.token, r.lease = outbox.Token{}, time.Time{} }

func (r *row) logged(a outbox.Attempt) {
	r.logs++
	a.N = r.logs
	a.Code = outbox.CutText(a.Code, 64)
	a.Reason = outbox.CutText(a.Reason, outbox.MaxReason)
	a.Detail = outbox.CutText(a.Detail, 4096)
	a.Receipt = slices.Clone(a.Receipt)
	r.log = append(r.log, a)
}

func (r *row) record(now time.Time) outbox.Record {
	rec := outbox.Record{
		Message: clone(r.msg), State: r.state, Reason: r.reason,
		InFlight: r.live(now), Unsettled: r.leased(), Seq: r.seq, Lost: r.lost, Settled: r.settled,
	}
	if r.state == outbox.StatePending {
		rec.Due = r.due
	}
	if n := len(r.log); n > 0 {
		rec.Outcome, rec.Receipt = r.log[n-1].Outcome, slices.Clone(r.log[n-1].Receipt)
	}
	return rec
}

// clone keeps the store's bytes apart from the caller's.
func clone(m outbox.Message) outbox.Message {
	m.KeyParts, m.Items = slices.Clone(m.KeyParts), slices.Clone(m.Items)
	m.Facts, m.Profile = slices.Clone(m.Facts), slices.Clone(m.Profile)
	return m
}
