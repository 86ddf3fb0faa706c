package outbox

import "time"

// readKind is what the reader reads next.
type readKind uint8

const (
	readNothing     readKind = iota
	readDue                  // what was put off and is due
	readKey                  // more of an ordering key of which little is in memory
	readDestination          // more of a destination of which some was left in the store
	readProbe                // one message that tests a closed destination
	readShards               // what lies in the queue of new shards
	readLate                 // what was committed behind what was read
	readHead                 // what is new
)

// view is all that decides what is read next, and when.
type view struct {
	now time.Time
	// active is set while the session is alive, and messages may be recorded.
	active bool
	room   int
	// dueAt is when something may fall due; duePage is set while due messages are read page by page.
	dueAt   time.Time
	duePage bool
	// keys and destinations of which more waits in the store, and for which there is room.
	keys, destinations int
	probes             int
	shards             int // new ones, not read yet
	lateAt             time.Time
	woken              bool // something was committed
	headMore           bool // the last reading of what is new was full
	pollAt             time.Time
	// opensAt is when a closed destination opens, or may be probed; zero for none.
	opensAt time.Time
	// refills counts readings for keys and destinations since the last one of what is new.
	refills int
}

// mostRefills is how many keys and destinations are read for before what is new has its turn.
const mostRefills = 8

// schedule says what to read now, or until when nothing need be read.
func schedule(v view) (readKind, time.Time) {
	due := v.duePage || !v.now.Before(v.dueAt)
	polled := !v.now.Before(v.pollAt)
	fresh := v.woken || v.headMore || polled
	switch {
	case !v.active: // whoever makes it active wakes the reader
		return readNothing, later(v.now, v.pollAt)
	case v.room <= 0 && v.probes == 0:
		// Whoever frees room wakes the reader: what fell due meanwhile is still due then.
		return readNothing, later(v.now, v.pollAt)
	case v.room > 0 && due:
		return readDue, v.now
	case v.room > 0 && v.shards > 0:
		return readShards, v.now
	case v.probes > 0:
		return readProbe, v.now
	case v.keys > 0 && (v.refills < mostRefills || !fresh):
		return readKey, v.now
	case v.destinations > 0 && (v.refills < mostRefills || !fresh):
		return readDestination, v.now
	case !v.now.Before(v.lateAt):
		return readLate, v.now
	case fresh:
		return readHead, v.now
	}
	until := v.pollAt
	for _, t := range []time.Time{v.dueAt, v.lateAt, v.opensAt} {
		if !t.IsZero() && t.Before(until) {
			until = t
		}
	}
	return readNothing, until
}

// later is the poll, or a tenth of a second from now if that has passed.
func later(now, poll time.Time) time.Time {
	if soon := now.Add(100 * time.Millisecond); poll.Before(soon) {
		return soon
	}
	return poll
}
