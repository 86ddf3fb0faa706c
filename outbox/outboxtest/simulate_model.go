package outboxtest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// model is a store, those who use it, and what it must hold. Its clock begins at
// zero and moves by Advance only; all times are whole minutes, so that what a
// slow store adds to them decides nothing.
type model[Tx any] struct {
	Harness[Tx]
	ctx  context.Context
	now  time.Duration
	base time.Time // the store's, when now was zero; zero while it is not known
	rng  *rand.Rand
	log  []string

	msgs    []*simMessage // in the order of their IDs, but for new follow-ups
	places  map[place]*simMessage
	entries map[string]outbox.Entry // the last of each subject
	done    map[simTask]bool
	told    map[simTask]bool
	dests   map[string]*simDestination
	audited int
	seq     int64 // the last that a settlement was given

	sessions map[outbox.SessionID]*simSession // that are not over
	owners   [outbox.Shards]outbox.SessionID
	senders  [3]simSender
	past     []simPast // what senders had in flight once

	persons int
	trouble bool           // destinations are closed often
	paused  outbox.Pausing // everything is
	adopted []string       // installations' names
	names   []string       // of destinations
	rate    outbox.Rate    // of the first of them
}

// simMessage is what the model knows of a message.
type simMessage struct {
	outbox.Message
	key      int64
	state    outbox.State
	fresh    bool
	due      time.Duration // of one that is not fresh
	putOff   time.Duration // when due was set
	attempts int
	tried    bool // some attempt is in the log, or was deferred
	lost     int
	doubt    outbox.Doubt
	seq      int64
	open     int // sends that no acknowledged outcome told of as refused
	arrived  bool
	settled  []simAttempt
}

// simAttempt is what the log must tell of a settlement.
type simAttempt struct {
	outcome  outbox.Outcome
	state    outbox.State
	repeated bool
}

type simDestination struct {
	pausing              outbox.Pausing
	held, probe, breaker time.Duration
	broken               bool
	closedAt             time.Duration // when a time of it was last set
	spent                int64         // see outbox.Rate.Spend
}

// newSimDestination is open: what is not set lies before all times.
func newSimDestination() *simDestination {
	const never = math.MinInt64 / 2
	return &simDestination{held: never, probe: never, breaker: never, closedAt: never}
}

// simSession is what the model knows of a session.
type simSession struct {
	by, at  string // at names its installation
	beats   int64
	flights map[int64]*simFlight
}

// simFlight is what the model knows of a flight.
type simFlight struct {
	at   time.Duration
	msgs []*simMessage
}

// has tells whether a message that it names is in flight by it: it was not put off since, as far as the clock tells.
func (f *simFlight) has(m *simMessage, now time.Duration) bool {
	return m.state == outbox.StatePending && (m.fresh || m.putOff <= f.at || m.putOff > now)
}

// simSender is a sender's memory, which a crash takes from it.
type simSender struct {
	name    string
	session outbox.SessionID // zero where it has none
	owned   []int
	read    []outbox.Waiting
	held    []simHeld
	flights int64
	over    []int64 // flights that are to be named as over
	seen    []outbox.SessionBeats
}

// simHeld is a message that a sender recorded and has not settled.
type simHeld struct {
	outbox.Begun
	msg    outbox.Message
	flight int64
	probe  bool
	sent   bool
}

// simPast is a message that a session had in flight.
type simPast struct {
	simHeld
	session outbox.SessionID
}

var simDestinations = []string{"elevate", "elevate/acme", "notified"}

// newModel is crowded or wide, as the seed says.
func newModel[Tx any](t *testing.T, h Harness[Tx], seed uint64) *model[Tx] {
	w := &model[Tx]{
		Harness: h, ctx: t.Context(), places: map[place]*simMessage{}, dests: map[string]*simDestination{},
		entries: map[string]outbox.Entry{}, done: map[simTask]bool{}, told: map[simTask]bool{},
		sessions: map[outbox.SessionID]*simSession{},
		persons:  1 + int(seed%3)*2, names: simDestinations[:1+seed/3%3], trouble: seed%4 > 1,
	}
	for _, name := range simDestinations {
		w.dests[name] = newSimDestination()
	}
	if seed%2 == 0 {
		w.rate = outbox.Rate{Count: 15, Per: time.Hour, Burst: 3}
	}
	for i := range w.senders {
		w.senders[i].name = fmt.Sprint("s", i+1)
	}
	return w
}

// byID returns a message of the model, or nil.
func (w *model[Tx]) byID(id outbox.ID) *simMessage {
	for _, m := range w.msgs {
		if m.ID == id {
			return m
		}
	}
	return nil
}

// flying returns the sessions that have a message in flight, whether they are
// found dead or not.
func (w *model[Tx]) flying(m *simMessage) (by []outbox.SessionID) {
	for id, s := range w.sessions {
		for _, flight := range s.flights {
			if slices.Contains(flight.msgs, m) && flight.has(m, w.now) {
				by = append(by, id)
				break
			}
		}
	}
	return by
}

func (m *simMessage) queued() bool { return !m.state.Final() }

func (m *simMessage) name() string { return m.Destination + " " + m.Key }

func (m *simMessage) shard() int { return outbox.ShardOf(m.key) }

// dueBy tells whether a message may be sent, as far as time goes.
func (m *simMessage) dueBy(now time.Duration) bool {
	return m.state == outbox.StatePending && (m.fresh || m.due <= now)
}

func (m *simMessage) end(state outbox.State) { m.state, m.lost = state, 0 }

func (m *simMessage) putOffUntil(due, now time.Duration) {
	m.state, m.fresh, m.due, m.putOff = outbox.StatePending, false, due, now
}
