package crash

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/proof/testdb"
)

func TestMain(m *testing.M) {
	ChildMain()
	os.Exit(m.Run())
}

// unhurried is a configuration for the race detector. SQLite is Go here, takes
// ten to thirty times as long for a claim under it, and has one lock for all:
// a busy shop beside it would not come to its turn.
func unhurried(name string, cfg Config) Config {
	cfg.Lease = 5 * time.Second
	if name == "sqlite" {
		cfg.Pause = 3 * time.Second
	}
	return cfg
}

// The short form of make crash: blows of every kind, at moments of every kind.
func TestPromise07_KilledProcessesLoseNothing(t *testing.T) {
	t.Parallel()
	for _, name := range Engines() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := With(t.Context(), name, testdb.Options{}, func(place Place) error {
				seed := uint64(time.Now().UnixNano())
				report, err := Run(t.Context(), unhurried(name, Config{Place: place, Kills: 8, Seed: seed}))
				t.Logf("seed=%d %s\n%s", seed, report, report.More())
				// A loaded machine is no fault: the bound is make crash's to check.
				return errors.Join(err, report.Check(patience))
			})
			var missing *testdb.MissingError
			if errors.As(err, &missing) && os.Getenv("CI") != "true" {
				t.Skipf("NOT TESTED on %s: %s", missing.Engine, missing.Reason)
			}
			require.NoError(t, err)
		})
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	shares := func(server bool) map[blow]int {
		out := map[blow]int{}
		for _, b := range plan(200, server) {
			out[b]++
		}
		return out
	}
	require.Equal(t, map[blow]int{
		{killProcess, atLease}: 50, {killProcess, onceRecovered}: 50, {killProcess, anyTime}: 50,
		{crashServer, atLease}: 9, {crashServer, onceRecovered}: 8, {crashServer, anyTime}: 8,
		{cutConnections, atLease}: 9, {cutConnections, onceRecovered}: 8, {cutConnections, anyTime}: 8,
	}, shares(true))
	require.Equal(t, map[blow]int{
		{killProcess, atLease}: 67, {killProcess, onceRecovered}: 67, {killProcess, anyTime}: 66,
	}, shares(false))
	short := map[string]bool{}
	for _, b := range plan(8, true) {
		short[b.what] = true
	}
	require.Len(t, short, 3, "the short form strikes every kind of blow")
}

func TestUnknownEngine(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, With(t.Context(), "oracle", testdb.Options{}, nil), "is none of sqlite")
}

func TestCount(t *testing.T) {
	t.Parallel()
	a, b, c := push{"elevate", "u-1", "a"}, push{"elevate", "u-1", "b"}, push{"notified", "u-1", "1/2"}
	for name, tc := range map[string]struct {
		committed []push
		received  []receipt
		want      Report
	}{
		"all well":        {[]push{a, c}, []receipt{{"ka", a}, {"kc", c}}, Report{Committed: 2, Received: 2}},
		"lost":            {[]push{a, b}, []receipt{{"ka", a}}, Report{Committed: 2, Received: 1, Lost: 1}},
		"phantom":         {[]push{a}, []receipt{{"ka", a}, {"kb", b}, {"kb", b}}, Report{Committed: 1, Received: 2, Phantom: 1, Twice: 1}},
		"twice":           {[]push{a}, []receipt{{"ka", a}, {"ka", a}, {"ka", a}}, Report{Committed: 1, Received: 1, Twice: 1}},
		"two keys":        {[]push{a}, []receipt{{"ka", a}, {"k2", a}}, Report{Committed: 1, Received: 2, Phantom: 1}},
		"lost and gained": {[]push{a}, []receipt{{"kb", b}}, Report{Committed: 1, Received: 1, Lost: 1, Phantom: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got Report
			got.count(tc.committed, tc.received)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good := Report{Lease: DefaultLease, Kills: 4, Met: 3, Committed: 9, Received: 9, RolledBack: 1, Twice: 2, RecoveryMax: DefaultLease + time.Second}
	require.NoError(t, good.Check(time.Second))
	for what, spoil := range map[string]func(*Report){
		"lost":               func(r *Report) { r.Lost = 1 },
		"nobody committed":   func(r *Report) { r.Phantom = 1 },
		"not committed":      func(r *Report) { r.Received = 8 },
		"parked: map[bad:1]": func(r *Report) { r.Parked = map[string]int{"bad": 1} },
		"nothing was com":    func(r *Report) { r.Committed, r.Received = 0, 0 },
		"rolled back":        func(r *Report) { r.RolledBack = 0 },
		"no kill met":        func(r *Report) { r.Met = 0 },
		"no recovery":        func(r *Report) { r.RecoveryMax = 0 },
		"recovery took too":  func(r *Report) { r.RecoveryMax += time.Millisecond },
	} {
		bad := good
		spoil(&bad)
		require.ErrorContains(t, bad.Check(time.Second), what)
	}
}
