package outboxtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// SeedVariable is the environment variable that replays one schedule of
// [Simulate]: the seed that a failure named.
const SeedVariable = "AMSBRIDGE_SIMULATION_SEED"

// Simulation says how much [Simulate] plays.
type Simulation struct {
	// Seed is that of the first schedule; the others follow it. Defaults to 1.
	Seed uint64
	// Schedules is how many are played, each on a store of its own. Defaults to
	// 20.
	Schedules int
	// Steps is the length of a schedule, before its end. Defaults to 100.
	Steps int
}

// Simulate plays random schedules on a store and compares it, after each step,
// with a model of what it must hold: shops that insert and append entries;
// three senders that join, take shards and give them back, read, record, send
// and settle, die, stall, and reap each other; an operator; and a clock that
// jumps ahead and is set back.
//
// It checks that nothing leaves the queue but for a reason on record; that no
// shard has two owners, and of one ordering key no two sessions that live have
// messages in flight; that a session which is over changes nothing; that
// attempts, lost sessions and doubts are counted right; that readings find what
// they must; and in the end, with all senders dead and reaped, that what was
// inserted is delivered, parked or ended on record, and was marked where it was
// sent again.
//
// A schedule follows from its seed. One that fails is cut down to fewer steps
// that still fail, and printed with its seed: see [SeedVariable].
//
// open returns an empty store and closes it by t.Cleanup. It must not call
// t.Parallel, and is called again to cut a schedule down. The clock that
// [Harness.Advance] moves must not run more than half a minute by itself while
// a schedule is played.
func Simulate[Tx any](t *testing.T, config Simulation, open func(t *testing.T) Harness[Tx]) {
	t.Helper()
	first, schedules, length := max(1, config.Seed), config.Schedules, config.Steps
	if schedules <= 0 {
		schedules = 20
	}
	if length <= 0 {
		length = 100
	}
	if text := os.Getenv(SeedVariable); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", SeedVariable, err)
		}
		first, schedules = seed, 1
	}
	for seed := first; seed < first+uint64(schedules); seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			play := func(steps []step) (log []string, err error) { return newModel(t, open(t), seed).play(steps) }
			steps := schedule(seed, length)
			log, err := play(steps)
			if err == nil {
				return
			}
			if fewer, shorter, cause := shrink(steps, play); cause != nil {
				steps, log, err = fewer, shorter, cause
			}
			t.Fatalf("%v\n%s=%d plays it again. These %d steps are enough:\n%s", err, SeedVariable, seed, len(steps), strings.Join(log, "\n"))
		})
	}
}

// step is one of a schedule. What it does follows from its own seed and from
// where the model stands, so that it can be played without those before it.
type step struct {
	kind stepKind
	seed uint64
}

type stepKind int

const (
	stepInsert stepKind = iota
	stepAppend
	stepBeat
	stepRead
	stepRecord
	stepDeliver
	stepSettle
	stepCrash
	stepLeave
	stepAdvance
	stepSetBack
	stepOperate
	stepTurn // a sender does all of it once
	stepLoss // of a sender that dies of what it recorded
)

// weights are how often each kind of step comes.
var weights = []stepKind{
	stepInsert, stepInsert, stepInsert, stepAppend, stepAppend,
	stepBeat, stepBeat, stepRead, stepRead, stepRecord, stepRecord, stepRecord, stepRecord,
	stepDeliver, stepDeliver, stepDeliver, stepDeliver, stepSettle, stepSettle, stepSettle, stepSettle,
	stepTurn, stepTurn, stepTurn, stepTurn, stepTurn, stepTurn,
	stepCrash, stepLeave, stepAdvance, stepAdvance, stepAdvance, stepSetBack, stepOperate, stepOperate, stepLoss,
}

// schedule is mostly of losses in every fifth.
func schedule(seed uint64, length int) []step {
	rng := rand.New(rand.NewPCG(seed, 0))
	steps := make([]step, length)
	for i := range steps {
		steps[i] = step{weights[rng.IntN(len(weights))], rng.Uint64()}
		if seed%5 == 0 && rng.IntN(3) > 0 {
			steps[i].kind = stepLoss
		}
	}
	return steps
}

// shrink leaves steps out as long as the rest still fails, for some seconds.
func shrink(steps []step, play func([]step) ([]string, error)) (fewer []step, log []string, err error) {
	until := time.Now().Add(20 * time.Second)
	for size := max(1, len(steps)/2); ; size /= 2 {
		for i := 0; i+size <= len(steps); {
			if time.Now().After(until) {
				return steps, log, err
			}
			rest := slices.Concat(steps[:i], steps[i+size:])
			if shorter, cause := play(rest); cause != nil {
				steps, log, err = rest, shorter, cause
			} else {
				i += size
			}
		}
		if size <= 1 {
			return steps, log, err
		}
	}
}
