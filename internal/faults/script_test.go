package faults_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/faults"
)

// follow makes a plan follow the script, and returns an error where the script is bad.
func follow(s faults.Script) error { return new(faults.Plan).Follow("sandbox", s) }

func TestFollowNamesTheField(t *testing.T) {
	t.Parallel()
	of := func(f faults.Fault) faults.Script {
		return faults.Script{Faults: []faults.Fault{{Kind: faults.Throttle}, f}}
	}
	for field, s := range map[string]faults.Script{
		"script.rate":                  {Rate: 1.01},
		"script.faults[1].kind":        of(faults.Fault{Kind: 200}),
		"script.faults[1].retry_after": of(faults.Fault{Kind: faults.ServerError, RetryAfter: "1"}),
		"script.faults[1].body":        of(faults.Fault{Kind: faults.LoginPage, Body: "x"}),
		"script.faults[1].effect":      of(faults.Fault{Kind: faults.CutAfter, Effect: true}),
		"script.faults[1].hold":        of(faults.Fault{Kind: faults.Slow, Delay: 1, Hold: faults.NewHold()}),
		"script.faults[1].delay":       of(faults.Fault{Kind: faults.HoldAfter}),
		`script.calls["0"]`:            {Calls: map[int]faults.Fault{0: {}}},
		`script.calls["2"].effect`:     {Calls: map[int]faults.Fault{1: {}, 2: {Effect: true}}},
		`script.users[""]`:             {Users: map[string][]faults.Fault{"": nil}},
		`script.users["U-1"][1].delay`: {Users: map[string][]faults.Fault{"U-1": {{}, {Kind: faults.Slow, Delay: -1}}}},
	} {
		var bad *amsbridge.InputError
		require.ErrorAs(t, follow(s), &bad, field)
		require.Equal(t, field, bad.Field)
		require.Equal(t, "sandbox", bad.Package)
	}
	for _, s := range []faults.Script{
		{Rate: -0.1},
		{Rate: math.NaN()},
		of(faults.Fault{}),
		of(faults.Fault{Kind: faults.Slow}),
		of(faults.Fault{Kind: faults.Garbage, Status: 200}),
		of(faults.Fault{Kind: faults.Garbage, ContentType: "text/html"}),
		of(faults.Fault{Kind: faults.Throttle, Delay: 1}),
	} {
		require.Error(t, follow(s))
	}
	for _, s := range []faults.Script{
		{},
		{Rate: 1, Faults: faults.DefaultFaults()},
		of(faults.Fault{Kind: faults.HoldAfter, Hold: faults.NewHold()}),
		of(faults.Fault{Kind: faults.HoldAfter, Delay: 1}),
		{Calls: map[int]faults.Fault{1: {}}, Users: map[string][]faults.Fault{"U-1": nil}},
	} {
		require.NoError(t, follow(s))
	}
}

// taken returns the kinds of fault that calls of these keys meet, by key and turn, when they arrive in
// the given order.
func taken(t *testing.T, s faults.Script, order []string) map[string]faults.Fault {
	t.Helper()
	var plan faults.Plan
	require.NoError(t, plan.Follow("sandbox", s))
	met, turn := map[string]faults.Fault{}, map[string]int{}
	for _, key := range order {
		turn[key]++
		met[fmt.Sprint(key, " ", turn[key])] = plan.TakeFor(faults.Call{Key: key, User: "U-1"})
	}
	return met
}

func TestRateFollowsFromSeedAndKeyAlone(t *testing.T) {
	t.Parallel()
	const keys, turns = 2000, 3
	var order []string
	for i := range keys * turns {
		order = append(order, fmt.Sprint("key-", i%keys))
	}
	s := faults.Script{Seed: 7, Rate: 0.3}
	met := taken(t, s, order)
	require.Len(t, met, keys*turns)

	rand.New(rand.NewPCG(1, 2)).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] }) //nolint:gosec // a test's order
	require.Equal(t, met, taken(t, s, order), "whatever the order of arrival")
	s.Seed++
	require.NotEqual(t, met, taken(t, s, order))
	s.Seed--

	kinds, struck, again := map[faults.Fault]int{}, 0, 0
	for at, f := range met {
		if f == (faults.Fault{}) {
			continue
		}
		struck++
		kinds[f]++
		if at[len(at)-1] == '1' && met[at[:len(at)-1]+"2"] != (faults.Fault{}) {
			again++
		}
	}
	require.InDelta(t, 0.3, float64(struck)/float64(len(met)), 0.02)
	require.InDelta(t, 0.09, float64(again)/keys, 0.02, "the turns of a key are independent")
	require.Len(t, kinds, len(faults.DefaultFaults()))
	for f, n := range kinds {
		require.InDelta(t, float64(struck)/float64(len(kinds)), n, 50, f.Kind)
	}

	s.Rate = 0.6
	for at, f := range taken(t, s, order) {
		if met[at] != (faults.Fault{}) {
			require.Equal(t, met[at], f, "a higher rate strikes the same and more")
		}
	}
	s.Rate, s.Faults = 1, []faults.Fault{{Kind: faults.CutAfter}}
	for _, f := range taken(t, s, order) {
		require.Equal(t, faults.CutAfter, f.Kind)
	}
	s.Rate = 0
	for _, f := range taken(t, s, order) {
		require.Equal(t, faults.None, f.Kind)
	}
}

func TestCallsWithoutKeyGoByTheirUser(t *testing.T) {
	t.Parallel()
	met := func(first, second string) (kinds []faults.Kind) {
		var plan faults.Plan
		require.NoError(t, plan.Follow("sandbox", faults.Script{Seed: 1, Rate: 0.5}))
		for range 50 {
			plan.TakeFor(faults.Call{User: first})
			kinds = append(kinds, plan.TakeFor(faults.Call{User: second}).Kind)
		}
		return kinds
	}
	require.Equal(t, met("U-1", "U-2"), met("U-3", "U-2"))
	require.NotEqual(t, met("U-1", "U-2"), met("U-2", "U-2"))
	require.NotEqual(t, met("U-1", "U-2"), met("U-1", "U-3"))
}

func TestPlanPrecedence(t *testing.T) {
	t.Parallel()
	kind := func(k faults.Kind) faults.Fault { return faults.Fault{Kind: k} }
	s := faults.Script{
		Rate: 1, Faults: []faults.Fault{kind(faults.Redirect)},
		Calls: map[int]faults.Fault{1: kind(faults.CutAfter), 2: kind(faults.CutBefore), 5: {}},
		Users: map[string][]faults.Fault{"U-1": {kind(faults.Forbidden), kind(faults.LoginPage)}, "U-2": {}},
	}
	var plan faults.Plan
	plan.Take() // not counted, since it is before the script
	plan.Next(kind(faults.Throttle))
	require.NoError(t, plan.Follow("sandbox", s))
	s.Users["U-1"][0], s.Calls[2] = faults.Fault{}, faults.Fault{}
	take := func(user string) faults.Kind { return plan.TakeFor(faults.Call{Key: "k", User: user}).Kind }
	require.Equal(t, faults.Throttle, take("U-1"), "call 1: the queue goes first, and the call is counted")
	require.Equal(t, faults.CutBefore, take("U-1"), "call 2: its number goes before its user; the script was copied")
	require.Equal(t, faults.Forbidden, take("U-1"), "call 3: the user's first")
	require.Equal(t, faults.Redirect, take("U-3"), "call 4: the rate")
	require.Equal(t, faults.None, take("U-1"), "call 5: named to behave")
	plan.Decide(func(int) faults.Fault { return kind(faults.Unavailable) })
	require.Equal(t, faults.LoginPage, take("U-1"), "call 6: the user's second, before Decide")
	require.Equal(t, faults.None, take("U-1"), "call 7: the user's list is at its end")
	require.Equal(t, faults.None, take("U-2"), "call 8: an empty list behaves")
	require.Equal(t, faults.Unavailable, take("U-3"), "call 9: Decide goes before the rate")
	plan.Decide(func(int) faults.Fault { return faults.Fault{} })
	require.Equal(t, faults.None, take("U-3"), "call 10: Decide has the last word")
	plan.Decide(nil)
	require.Equal(t, faults.Redirect, take("U-3"), "call 11")
	require.NoError(t, plan.Follow("sandbox", faults.Script{Calls: map[int]faults.Fault{2: kind(faults.Truncate)}}))
	require.Equal(t, faults.None, take("U-1"), "call 1 of the new script")
	require.Equal(t, faults.Truncate, take("U-1"), "call 2 of the new script")
	require.Error(t, plan.Follow("sandbox", faults.Script{Rate: 2, Calls: map[int]faults.Fault{3: kind(faults.Slow)}}))
	require.Equal(t, faults.None, take("U-1"), "a bad script replaces nothing")
}

func TestHoldAfterEndsByItsDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began, w := time.Now(), httptest.NewRecorder()
		faults.Fault{Kind: faults.HoldAfter, Delay: time.Minute}.Serve(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody),
			func(w http.ResponseWriter, _ *http.Request) {
				require.Zero(t, time.Since(began), "the effect does not wait")
				w.WriteHeader(http.StatusCreated)
			})
		require.Equal(t, time.Minute, time.Since(began))
		require.Equal(t, http.StatusCreated, w.Code)
	})
}
