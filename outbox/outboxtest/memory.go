package outboxtest

import (
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
// No row is ever locked: Record leaves none out for it, and Settled.Locked is
// empty. Times are cut to microseconds, as databases keep them.
type Memory struct {
	now func() time.Time

	mu       sync.Mutex
	lastID   outbox.ID
	rows     map[outbox.ID]*row
	queue    map[outbox.ID]*row // those of rows that are pending or parked
	places   map[place]*row
	named    map[string][]*row // by key, in whatever destination
	persons  map[string][]*row // by user ID, in whatever association
	subjects map[string][]*row
	ofKey    map[int64]int            // how many rows each ordering key has
	entries  map[about][]outbox.Entry // in the order of their numbers
	done     map[task]bool
	told     map[task]bool
	audit    []outbox.AuditEntry

	// Of the pending: fresh and keyed by ID, putOff by due time and ID. Fresh and
	// putOff are by destination, and once more under "" for all.
	fresh  map[string][]*row
	putOff map[string][]*row
	keyed  map[int64][]*row // by ordering key, fresh and put off alike

	lastSession  outbox.SessionID
	adopted      []string // identities of installations
	sessions     map[outbox.SessionID]*session
	owners       [outbox.Shards]outbox.SessionID // zero for a free shard
	destinations map[string]*destination
	spent        map[string]int64 // see outbox.Rate.Spend

	lastTx uint64          // transactions are numbered from 1
	openTx map[uint64]bool // those that have not ended
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
		now:          config.Now,
		rows:         map[outbox.ID]*row{},
		queue:        map[outbox.ID]*row{},
		places:       map[place]*row{},
		named:        map[string][]*row{},
		persons:      map[string][]*row{},
		subjects:     map[string][]*row{},
		ofKey:        map[int64]int{},
		entries:      map[about][]outbox.Entry{},
		done:         map[task]bool{},
		told:         map[task]bool{},
		fresh:        map[string][]*row{},
		putOff:       map[string][]*row{},
		keyed:        map[int64][]*row{},
		sessions:     map[outbox.SessionID]*session{},
		destinations: map[string]*destination{},
		spent:        map[string]int64{},
		openTx:       map[uint64]bool{},
	}
}

func (m *Memory) clock() time.Time { return m.now().UTC().Truncate(time.Microsecond) }

// place is what a key is unique in.
type place struct{ destination, key string }

func placeOf(msg *outbox.Message) place { return place{msg.Destination, msg.Key} }

// destination is the state of a destination.
type destination struct {
	outbox.DestinationState
	closedAt time.Time // when one of its times was last set
}
