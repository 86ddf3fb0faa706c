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
// which the race detector makes a transaction take ten to thirty times as long; a busy
// shop beside it would not get the one lock that SQLite has.
func forRaceDetector(name string, cfg Config) Config {
	cfg.Session = 6 * time.Second
	if name == "sqlite" {
		cfg.Pause = 3 * time.Second
	}
	return cfg
}

// shortForm is how many faults a test causes.
const shortForm = 12

// The short form of make crash: faults of every kind, at moments of every kind.
func TestPromise07_KilledProcessesLoseNothing(t *testing.T) {
	t.Parallel()
	for _, name := range Engines() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := With(t.Context(), name, testdb.Options{}, func(database Database) error {
				seed := uint64(time.Now().UnixNano())
				report, err := Run(t.Context(), forRaceDetector(name, Config{Database: database, Kills: shortForm, Seed: seed}))
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
		{killProcess, inFlight}: 34, {killProcess, onceRecovered}: 33, {killProcess, anyTime}: 33,
		{crashServer, inFlight}: 9, {crashServer, onceRecovered}: 8, {freezeProcess, inFlight}: 9, {freezeProcess, onceRecovered}: 8,
		{swallowBytes, inFlight}: 9, {swallowBytes, onceRecovered}: 8, {cutConnections, inFlight}: 9, {cutConnections, onceRecovered}: 8,
		{endProcess, inFlight}: 8, {endProcess, onceRecovered}: 8, {swallowAndKill, inFlight}: 8, {swallowAndKill, onceRecovered}: 8,
	}, shares(true))
	require.Equal(t, map[fault]int{
		{killProcess, inFlight}: 50, {killProcess, onceRecovered}: 50, {killProcess, anyTime}: 50,
		{endProcess, inFlight}: 13, {endProcess, onceRecovered}: 12, {freezeProcess, inFlight}: 13, {freezeProcess, onceRecovered}: 12,
	}, shares(false))
	short := map[string]bool{}
	for _, f := range planFaults(shortForm, true) {
		short[f.what] = true
	}
	require.Len(t, short, 7, "the short form has every kind of fault")
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
		"all well":        {[]push{a, c}, []arrival{{once("ka"), a}, {once("kc"), c}}, Report{Committed: 2, Received: 2}},
		"lost":            {[]push{a, b}, []arrival{{once("ka"), a}}, Report{Committed: 2, Received: 1, Lost: 1}},
		"phantom":         {[]push{a}, []arrival{{once("ka"), a}, {once("kb"), b}, {again("kb"), b}}, Report{Committed: 1, Received: 2, Phantom: 1, Twice: 1}},
		"twice":           {[]push{a}, []arrival{{once("ka"), a}, {again("ka"), a}, {once("ka"), a}}, Report{Committed: 1, Received: 1, Twice: 1}},
		"two keys":        {[]push{a}, []arrival{{once("ka"), a}, {once("k2"), a}}, Report{Committed: 1, Received: 2, Phantom: 1}},
		"lost and gained": {[]push{a}, []arrival{{once("kb"), b}}, Report{Committed: 1, Received: 1, Lost: 1, Phantom: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got Report
			got.count(tc.committed, tc.received)
			require.Equal(t, tc.want, got)
		})
	}
}

func once(key string) attempt  { return attempt{key: key, of: "1"} }
func again(key string) attempt { return attempt{key: key, of: "2", marked: true} }

// A platform sees what a person's attempts must not do.
func TestJudge(t *testing.T) {
	t.Parallel()
	at := func(second int) time.Time { return time.Unix(int64(second), 0) }
	a, b, c := push{"elevate", "u-1", "course-1-2"}, push{"elevate", "u-1", "course-1-10"}, push{"notified", "u-1", "1/1"}
	received := []arrival{{once("ka"), a}, {once("kb"), b}, {once("kc"), c}}
	unmarked := attempt{key: "ka", of: "2"}
	for name, tc := range map[string]struct {
		all  []visit
		want Report
	}{
		"all well":        {[]visit{{once("ka"), at(1), at(2)}, {once("kb"), at(3), at(4)}, {again("ka"), at(5), at(6)}}, Report{}},
		"two platforms":   {[]visit{{once("ka"), at(1), at(4)}, {once("kc"), at(2), at(3)}}, Report{}},
		"at once":         {[]visit{{once("ka"), at(1), at(4)}, {once("kb"), at(3), at(5)}}, Report{AtOnce: 1}},
		"out of order":    {[]visit{{once("kb"), at(1), at(2)}, {once("ka"), at(3), at(4)}}, Report{OutOfOrder: 1}},
		"unmarked":        {[]visit{{once("ka"), at(1), at(2)}, {unmarked, at(3), at(4)}}, Report{Unmarked: 1}},
		"thawed":          {[]visit{{once("ka"), at(1), at(2)}, {unmarked, at(23), at(24)}}, Report{}},
		"kept open":       {[]visit{{once("ka"), at(1), at(24)}, {once("kb"), at(3), at(5)}}, Report{}},
		"not carried out": {[]visit{{attempt{key: "ka", of: "0"}, at(1), at(2)}, {once("ka"), at(3), at(4)}}, Report{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got Report
			got.judge(tc.all, received, []time.Time{at(23)})
			got.Wrong = nil
			require.Equal(t, tc.want, got)
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good := Report{Session: DefaultSession, Kills: 4, Met: 3, Committed: 9, Received: 9, RolledBack: 1, Twice: 2, RecoveryMax: DefaultSession + time.Second}
	require.NoError(t, good.Check(time.Second))
	for what, spoil := range map[string]func(*Report){
		"lost":               func(r *Report) { r.Lost = 1 },
		"nobody committed":   func(r *Report) { r.Phantom = 1 },
		"not committed":      func(r *Report) { r.Received = 8 },
		"parked: map[bad:1]": func(r *Report) { r.Parked = map[string]int{"bad": 1} },
		"nothing was com":    func(r *Report) { r.Committed, r.Received = 0, 0 },
		"rolled back":        func(r *Report) { r.RolledBack = 0 },
		"no fault met":       func(r *Report) { r.Met = 0 },
		"at once":            func(r *Report) { r.AtOnce = 1 },
		"out of order":       func(r *Report) { r.OutOfOrder = 1 },
		"not marked":         func(r *Report) { r.Unmarked = 1 },
		"no recovery":        func(r *Report) { r.RecoveryMax = 0 },
		"recovery took too":  func(r *Report) { r.RecoveryMax += time.Millisecond },
	} {
		bad := good
		spoil(&bad)
		require.ErrorContains(t, bad.Check(time.Second), what)
	}
}
