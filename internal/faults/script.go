package faults

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// Script says which calls meet which faults, as data; see [ParseScript] for its text. With the zero
// value every call behaves normally.
//
// Where both Calls and Users name a call, Calls wins. The rate does not apply to a call that either
// names.
type Script struct {
	// Seed selects which calls the rate strikes.
	Seed uint64
	// Rate is the share of calls that meet one of Faults, from 0 to 1. Whether and how a call is struck
	// depends only on the seed, on the call's key (or its user ID where it has none) and on how many
	// calls with the same came before. The order in which calls of different keys arrive makes no
	// difference.
	Rate float64
	// Faults are the faults that the rate chooses from with equal chance; one listed twice is twice as
	// likely. Defaults to [DefaultFaults].
	Faults []Fault
	// Calls are faults by the number of the call, from 1. A zero Fault lets the call behave normally.
	Calls map[int]Fault
	// Users are faults by user ID: the calls about that person meet them one after the other, and later
	// calls behave normally. With an empty list all of them do.
	Users map[string][]Fault
}

// DefaultFaults returns the faults of a rate that names none: those that a client overcomes by trying
// again. It leaves out Unauthorized, Forbidden and Redirect, after which a person may be needed, and
// HoldAfter.
func DefaultFaults() []Fault {
	return []Fault{
		{Kind: Throttle, RetryAfter: "1"},
		{Kind: ServerError},
		{Kind: ServerError, Effect: true},
		{Kind: Unavailable, RetryAfter: "1"},
		{Kind: Garbage},
		{Kind: Garbage, Effect: true},
		{Kind: LoginPage},
		{Kind: LoginPage, Effect: true},
		{Kind: Slow, Delay: 50 * time.Millisecond},
		{Kind: CutBefore},
		{Kind: CutAfter},
		{Kind: Truncate},
	}
}

// check returns an [*amsbridge.InputError] of the package pkg that names the first
// bad field as the text of a script does, such as "script.faults[1].delay".
func (s Script) check(pkg string) error {
	if !(s.Rate >= 0 && s.Rate <= 1) { // also refuses NaN
		return check.Bad(pkg, "script.rate", "is not from 0 to 1")
	}
	for i, f := range s.Faults {
		at := fmt.Sprintf("script.faults[%d]", i)
		if f.Kind == None {
			return check.Bad(pkg, at+".kind", "is none: the rate says how many calls behave")
		}
		if err := f.check(pkg, at); err != nil {
			return err
		}
	}
	for _, n := range slices.Sorted(maps.Keys(s.Calls)) {
		at := callPath(strconv.Itoa(n))
		if n < 1 {
			return check.Bad(pkg, at, "is no call: they are counted from 1")
		}
		if err := s.Calls[n].check(pkg, at); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.Users)) {
		at := userPath(id)
		if id == "" {
			return check.Bad(pkg, at, "is nobody's user ID")
		}
		for i, f := range s.Users[id] {
			if err := f.check(pkg, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func callPath(number string) string {
	return fmt.Sprintf("script.calls[%q]", outbox.CutText(number, 64))
}

func userPath(id string) string { return fmt.Sprintf("script.users[%q]", outbox.CutText(id, 64)) }

// check refuses a fault that would do nothing, or would never end.
func (f Fault) check(pkg, at string) error {
	bad := func(field, problem string) error {
		return check.Bad(pkg, at+"."+field, problem)
	}
	switch waits := f.Kind == Slow || f.Kind == HoldAfter; {
	case int(f.Kind) >= len(kindNames):
		return bad("kind", "is unknown")
	case f.RetryAfter != "" && f.Kind != Throttle && f.Kind != Unavailable:
		return bad("retry_after", "is only for throttle and unavailable")
	case f.Body != "" && f.Kind != Garbage && f.Kind != Reply:
		return bad("body", "is only for garbage and reply")
	case f.Status != 0 && f.Kind != Reply:
		return bad("status", "is only for reply")
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return bad("status", "is not from 200 to 599")
	case f.ContentType != "" && f.Kind != Reply:
		return bad("content_type", "is only for reply")
	case f.Effect && (f.Kind == None || f.Kind > Redirect):
		return bad("effect", "is only for kinds with an answer of their own")
	case f.Hold != nil && f.Kind != HoldAfter:
		return bad("hold", "is only for hold after")
	case f.Delay < 0:
		return bad("delay", "is negative")
	case f.Delay != 0 && !waits:
		return bad("delay", "is only for slow and hold after")
	case f.Delay == 0 && waits && f.Hold == nil:
		return bad("delay", "is missing")
	}
	return nil
}

// clone copies the script, so that later changes by the caller do not reach a plan in use.
func (s Script) clone() Script {
	s.Faults, s.Calls, s.Users = slices.Clone(s.Faults), maps.Clone(s.Calls), maps.Clone(s.Users)
	for id, list := range s.Users {
		s.Users[id] = slices.Clone(list)
	}
	return s
}

// strike returns the rate's fault for a call after n calls with the same identity. A higher rate
// strikes the same calls and more.
func (s Script) strike(identity string, n uint64) Fault {
	if s.Rate == 0 {
		return Fault{}
	}
	b := binary.BigEndian.AppendUint64(nil, s.Seed)
	b = binary.BigEndian.AppendUint64(b, n)
	sum := sha256.Sum256(append(b, identity...))
	dice, which := binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])
	if float64(dice>>11)/(1<<53) >= s.Rate {
		return Fault{}
	}
	choice := s.Faults
	if len(choice) == 0 {
		choice = DefaultFaults()
	}
	return choice[which%uint64(len(choice))]
}
