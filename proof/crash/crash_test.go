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

// forRaceDetector is a configuration for slow programs. SQLite is Go code here, of
// which the race detector makes a claim take ten to thirty times as long; a busy
// shop beside it would not get the one lock that SQLite has.
func forRaceDetector(name string, cfg Config) Config {
	cfg.Lease = 5 * time.Second
	if name == "sqlite" {
		cfg.Pause = 3 * time.Second
	}
	return cfg
}

// The short form of make crash: faults of every kind, at moments of every kind.
func TestPromise07_KilledProcessesLoseNothing(t *testing.T) {
	t.Parallel()
	for _, name := range Engines() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := With(t.Context(), name, testdb.Options{}, func(database Database) error {
				seed := uint64(time.Now().UnixNano())
				report, err := Run(t.Context(), forRaceDetector(name, Config{Database: database, Kills: 8, Seed: seed}))
				t.Logf("seed=%d %s\n%s", seed, report, report.More())
				// A loaded machine is no fault: the bound is make crash's to check.
				return errors.Join(err, report.Check(waitLimit))
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
	shares := func(server bool) map[fault]int {
		out := map[fault]int{}
		for _, f := range planFaults(200, server) {
			out[f]++
		}
		return out
	}
	require.Equal(t, map[fault]int{
		{killProcess, atLease}: 50, {killProcess, onceRecovered}: 50, {killProcess, anyTime}: 50,
		{crashServer, atLease}: 9, {crashServer, onceRecovered}: 8, {crashServer, anyTime}: 8,
		{cutConnections, atLease}: 9, {cutConnections, onceRecovered}: 8, {cutConnections, anyTime}: 8,
	}, shares(true))
	require.Equal(t, map[fault]int{
		{killProcess, atLease}: 67, {killProcess, onceRecovered}: 67, {killProcess, anyTime}: 66,
	}, shares(false))
	short := map[string]bool{}
	for _, f := range planFaults(8, true) {
		short[f.what] = true
	}
	require.Len(t, short, 3, "the short form has every kind of fault")
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
		received  []arrival
		want      Report
	}{
		"all well":        {[]push{a, c}, []arrival{{"ka", a}, {"kc", c}}, Report{Committed: 2, Received: 2}},
		"lost":            {[]push{a, b}, []arrival{{"ka", a}}, Report{Committed: 2, Received: 1, Lost: 1}},
		"phantom":         {[]push{a}, []arrival{{"ka", a}, {"kb", b}, {"kb", b}}, Report{Committed: 1, Received: 2, Phantom: 1, Twice: 1}},
		"twice":           {[]push{a}, []arrival{{"ka", a}, {"ka", a}, {"ka", a}}, Report{Committed: 1, Received: 1, Twice: 1}},
		"two keys":        {[]push{a}, []arrival{{"ka", a}, {"k2", a}}, Report{Committed: 1, Received: 2, Phantom: 1}},
		"lost and gained": {[]push{a}, []arrival{{"kb", b}}, Report{Committed: 1, Received: 1, Lost: 1, Phantom: 1}},
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
