package outbox

import (
	"context"
	"time"
)

// session is one membership of this sender, with all that it has in memory. When the session is over, it is
// dropped as a whole: what is still being sent of it ends by itself, and nothing of it is recorded any more.
// It is guarded by run.mu, but for what never changes.
type session struct {
	id SessionID
	// ctx ends when others may take the sender for dead.
	ctx    context.Context
	cancel context.CancelFunc
	// renewed is when the last beat that succeeded was sent.
	renewed time.Time
	expiry  *time.Timer // ends the deliveries if it is not renewed in time
	// inFlight counts, by shard, messages recorded and not settled.
	inFlight [Shards]int
	// landedAt is, by shard, when a message was last in flight no more.
	landedAt [Shards]time.Time
	// scans are what must be read of new shards before they are read with the others.
	scans []scan
	// takes counts how often shards were taken.
	takes int
	// dueAnew tells that what is due is to be read from its start, since shards were taken.
	dueAnew bool
	// head is the last ID that was read of all shards.
	head ID
	// seen bounds what may still be committed behind head.
	seen lateness
	backlog
	flying    map[ID]bool // recorded and not settled
	flights   int64       // the number of the last one
	over      []int64
	inHand    int // messages recorded that wait or are being delivered
	unsettled int // and those whose outcome is not recorded yet
	// isolating is set while a suspect waits for all others to be settled, and alone once it is sent.
	isolating, alone bool
	// paused is set while everything is: see Closed.Destination.
	paused bool
	// settling is set while the settler has flights in hand that are over.
	settling bool
}

// ownership is what a session is to a shard.
type ownership uint8

const (
	notOwned  ownership = iota
	taken               // owned, and not read from its start yet
	owned               // read together with the others
	givenBack           // nothing of it is begun any more
)

// scan reads what lies in the queue of some shards, from after on.
type scan struct {
	shards []int
	after  ID
}

func newSession(base context.Context, id SessionID, window, concurrency int) *session {
	s := &session{id: id, flying: map[ID]bool{}, backlog: newBacklog(window, concurrency)}
	s.ctx, s.cancel = context.WithCancel(base)
	return s
}

// shardsThat are those of a kind.
func (s *session) shardsThat(is ownership) []int {
	var out []int
	for n, o := range s.owned {
		if o == is {
			out = append(out, n)
		}
	}
	return out
}

// holds tells whether messages of an ordering key may be begun.
func (b *backlog) holds(key int64) bool {
	o := b.owned[ShardOf(key)]
	return o == owned || o == taken
}

// take notes which shards the store says that the session has.
func (s *session) take(shards []int) {
	var fresh []int
	var has [Shards]bool
	for _, n := range shards {
		has[n] = true
		if s.owned[n] == notOwned {
			s.owned[n] = taken
			fresh = append(fresh, n)
		}
	}
	for n := range s.owned {
		if !has[n] && s.owned[n] != notOwned {
			s.owned[n] = notOwned
			s.backlog.drop(n)
		}
	}
	if len(fresh) > 0 {
		s.scans = append(s.scans, scan{shards: fresh})
		s.dueAnew = true
		for d := range s.behind { // what is due of these may lie before the page that is next
			d.dueFrom = Reading{}
		}
		s.takes++
	}
}

// giveBack chooses shards to give back, and drops what waits of them.
func (s *session) giveBack(n int) {
	for shard := Shards - 1; shard >= 0 && n > 0; shard-- {
		if s.owned[shard] == owned {
			s.owned[shard] = givenBack
			s.backlog.drop(shard)
			n--
		}
	}
}

// given are the shards that may be given back now.
func (s *session) given() []int {
	var out []int
	for _, n := range s.shardsThat(givenBack) {
		if s.inFlight[n] == 0 {
			out = append(out, n)
		}
	}
	return out
}

// lateness finds the ID behind which nothing is committed any more: a database gives out IDs before it
// commits.
type lateness struct {
	// reached is that ID, and bound what was looked through since it was reached.
	reached, bound ID
	marks          []lateMark
}

type lateMark struct {
	begun uint64
	head  ID
}

// note takes a pulse into account: head was read before it.
func (l *lateness) note(p Pulse, head ID) {
	for len(l.marks) > 0 && l.marks[0].begun <= p.Ended {
		l.reached = max(l.reached, l.marks[0].head)
		l.marks = l.marks[1:]
	}
	const most = 1000
	if n := len(l.marks); n > 0 && (l.marks[n-1].head == head || n == most) {
		return
	}
	l.marks = append(l.marks, lateMark{p.Begun, head})
}

// lookedThrough notes that everything up to head was looked through since to was reached.
func (l *lateness) lookedThrough(to ID) {
	if l.reached >= to { // otherwise it began anew meanwhile
		l.bound = max(l.bound, to)
	}
}
