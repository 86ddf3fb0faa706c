package orders

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"pgregory.net/rapid"
)

// Run plays that many sequences on an engine. The error is the first mismatch, made as small as it can be.
func Run(ctx context.Context, e *Engine, sequences int, seed uint64) (Counts, error) {
	var count Counts
	for name, value := range map[string]string{
		"rapid.checks": strconv.Itoa(sequences), "rapid.seed": strconv.FormatUint(seed, 10),
		"rapid.nofailfile": "true", "rapid.shrinktime": "5s",
	} {
		if err := flag.Set(name, value); err != nil {
			return count, err
		}
	}
	var failing Sequence
	var why error
	t := &check{}
	func() {
		defer func() {
			if p := recover(); p != nil && p != any(t) {
				panic(p)
			}
		}()
		rapid.Check(t, func(t *rapid.T) {
			s := drawSequence().Draw(t, "sequence")
			if err := Play(ctx, e, s, &count); err != nil {
				failing, why = s, err
				t.Fatalf("%s", problemOf(err))
			}
		})
	}()
	if why != nil {
		_, why = Smaller(ctx, e, failing, why)
	}
	return count, why
}

func problemOf(err error) string {
	if m, ok := errors.AsType[*Mismatch](err); ok {
		return m.Problem
	}
	return err.Error()
}

// check is a [rapid.TB] that only remembers whether it failed.
type check struct{ failed bool }

func (*check) Helper()                 {}
func (*check) Name() string            { return "orders" }
func (*check) Logf(string, ...any)     {}
func (*check) Log(...any)              {}
func (*check) Skipf(string, ...any)    {}
func (*check) Skip(...any)             {}
func (*check) SkipNow()                {}
func (c *check) Errorf(string, ...any) { c.failed = true }
func (c *check) Error(...any)          { c.failed = true }
func (c *check) Fatalf(string, ...any) { c.FailNow() }
func (c *check) Fatal(...any)          { c.FailNow() }
func (c *check) FailNow()              { c.failed = true; panic(c) }
func (c *check) Fail()                 { c.failed = true }
func (c *check) Failed() bool          { return c.failed }

// String says what was played.
func (c Counts) String() string {
	return fmt.Sprintf("sequences=%d events=%d replays=%d swaps=%d refunds=%d reversals=%d crashes=%d faults=%d",
		c.Sequences, c.Events, c.Replays, c.Swaps, c.Refunds, c.Reversals, c.Crashes, c.Faults)
}

// More says what was played, by kind.
func (c Counts) More() string {
	var b strings.Builder
	list := func(title string, names []string, counts []int) {
		fmt.Fprintf(&b, "%s:", title)
		for i, n := range counts {
			fmt.Fprintf(&b, " %s=%d", strings.ReplaceAll(names[i], " ", "-"), n)
		}
		b.WriteString("\n")
	}
	list("events", kindNames[:], c.ByKind[:])
	list("transactions", modeNames[:], c.ByMode[:])
	list("calls", faultNames[:], c.ByFault[:])
	return b.String()
}

// Check returns an error where too little was played to prove anything.
func (c Counts) Check() error {
	for _, least := range []struct {
		what      string
		is, least int
	}{
		{"events", c.Events, 8 * c.Sequences},
		{"refunds", c.Refunds, c.Sequences / 2},
		{"replays", c.Replays, c.Sequences / 2},
		{"reversals", c.Reversals, c.Sequences / 10},
		{"swaps", c.Swaps, c.Sequences / 10},
		{"crashes", c.Crashes, c.Sequences / 10},
	} {
		if least.is < least.least {
			return fmt.Errorf("%s=%d, and at least %d are needed", least.what, least.is, least.least)
		}
	}
	return nil
}
