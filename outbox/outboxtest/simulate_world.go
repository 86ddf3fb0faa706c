package outboxtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// world is a store, those who use it, and the model of what it must hold. Its
// clock begins at zero and moves by Advance only; all times are whole minutes,
// so that what a slow store adds to them decides nothing.
type world[Tx any] struct {
	Harness[Tx]
	ctx     context.Context
	now     time.Duration
	base    time.Time // the store's, when now was zero; zero while it is not known
	rng     *rand.Rand
	msgs    []*simMessage // in the order of their IDs, but for new follow-ups
	places  map[place]*simMessage
	entries map[string]outbox.Entry // the last of each subject
	done    map[simTask]bool
	told    map[simTask]bool
	seq     int64 // the last that a settlement was given
	dests   map[string]*simDestination
	senders [2]simSender
	past    []simHeld // what senders held once
	audited int
	log     []string
	persons int
	names   []string    // of destinations
	rate    outbox.Rate // of the first of them
}

// simMessage is what the model knows of a message.
type simMessage struct {
	outbox.Message
	lane    int64
	state   outbox.State
	due     time.Duration
	token   outbox.Token
	leased  bool // a lease is recorded, ended or not
	until   time.Duration
	lost    int
	doubt   outbox.Doubt
	seq     int64
	open    int // sends that no acknowledged outcome told of as refused
	arrived bool
	settled []simAttempt
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
	spent                int64 // see outbox.Rate.Spend
}

// simSender is a sender's memory, which a crash takes from it.
type simSender struct {
	name     string
	held     []simHeld
	suspects bool
	busy     []int64
	last     string
}

// simHeld is a leased message as a sender holds it.
type simHeld struct {
	outbox.Leased
	token outbox.Token
	until time.Duration
	sent  bool
}

var simDestinations = []string{"elevate", "elevate/acme", "notified"}

// newWorld is crowded or wide, as the seed says.
func newWorld[Tx any](t *testing.T, h Harness[Tx], seed uint64) *world[Tx] {
	w := &world[Tx]{
		Harness: h, ctx: t.Context(), places: map[place]*simMessage{}, dests: map[string]*simDestination{},
		entries: map[string]outbox.Entry{}, done: map[simTask]bool{}, told: map[simTask]bool{},
		persons: 1 + int(seed%3), names: simDestinations[:1+seed/3%3],
	}
	for _, name := range simDestinations {
		w.dests[name] = &simDestination{}
	}
	if seed%2 == 0 {
		w.rate = outbox.Rate{Count: 15, Per: time.Hour, Burst: 3}
	}
	w.senders[0].name, w.senders[1].name = "s1", "s2"
	return w
}

// play plays a schedule to its end, and returns what happened.
func (w *world[Tx]) play(steps []step) ([]string, error) {
	for i, s := range steps {
		w.rng = rand.New(rand.NewPCG(s.seed, 1))
		if err := w.step(s.kind); err != nil {
			return w.log, fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	w.rng = rand.New(rand.NewPCG(uint64(len(steps)), 2))
	if err := w.finish(); err != nil {
		return w.log, fmt.Errorf("at the end: %w", err)
	}
	return w.log, nil
}

func (w *world[Tx]) step(kind stepKind) (err error) {
	switch kind {
	case stepInsert:
		err = w.insert()
	case stepAppend:
		err = w.append()
	case stepClaim:
		err = w.claim(w.sender(), w.request())
	case stepDeliver:
		err = w.deliver(w.sender())
	case stepSettle:
		err = w.settle(w.sender())
	case stepCrash:
		w.crash(w.sender())
	case stepAdvance:
		w.advance(pick(w.rng, []time.Duration{time.Minute, 5 * time.Minute, simLease + time.Minute, 31 * time.Minute, 61 * time.Minute}))
	case stepDeath:
		err = w.die(w.sender())
	default:
		err = w.operate()
	}
	if err != nil {
		return err
	}
	return w.compare()
}

func (w *world[Tx]) logf(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf("%4dm  ", int(w.now.Minutes()))+fmt.Sprintf(format, args...))
}

func (w *world[Tx]) sender() *simSender { return &w.senders[w.rng.IntN(len(w.senders))] }

func (w *world[Tx]) chance(percent int) bool { return w.rng.IntN(100) < percent }

func pick[T any](rng *rand.Rand, items []T) T { return items[rng.IntN(len(items))] }

func (w *world[Tx]) advance(d time.Duration) {
	w.now += d
	w.logf("the clock moves on")
	w.Advance(d)
}

func (w *world[Tx]) crash(s *simSender) {
	w.logf("%s dies", s.name)
	w.past = append(w.past, s.held...)
	*s = simSender{name: s.name}
}

// die claims, a suspect if that is all there is, and dies of it.
func (w *world[Tx]) die(s *simSender) error {
	for range 2 {
		if err := w.claim(s, w.request()); err != nil {
			return err
		}
		if len(s.held) > 0 {
			break
		}
	}
	w.crash(s)
	w.advance(simLease + time.Minute)
	return nil
}

// byID returns a message of the model, or nil.
func (w *world[Tx]) byID(id outbox.ID) *simMessage {
	for _, m := range w.msgs {
		if m.ID == id {
			return m
		}
	}
	return nil
}

func (m *simMessage) queued() bool { return !m.state.Final() }

func (m *simMessage) live(now time.Duration) bool { return m.leased && m.until > now }

func (m *simMessage) name() string { return m.Destination + " " + m.Key }

func (m *simMessage) unlease() { m.leased, m.token = false, outbox.Token{} }

// end ends a message; a lease that nobody settled leaves its doubt.
func (m *simMessage) end(state outbox.State) {
	if m.leased {
		m.doubt |= outbox.DoubtLostLease
	}
	m.state, m.lost = state, 0
	m.unlease()
}

// lostBy counts the lease that it bears.
func (m *simMessage) lostBy() int {
	if m.leased {
		return m.lost + 1
	}
	return m.lost
}
