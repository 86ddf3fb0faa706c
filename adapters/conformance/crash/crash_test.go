package crash

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/conformance/shopdb"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
)

func TestMain(m *testing.M) {
	ChildMain()
	os.Exit(m.Run())
}

// The short form of make crash: kill -9 at moments of all kinds.
func TestPromise07_KilledProcessesLoseNothing(t *testing.T) {
	t.Parallel()
	shopdb.EachDialect(t, func(t *testing.T, dialect sqlstore.Dialect, dsn string) {
		seed := uint64(time.Now().UnixNano())
		report, err := Run(t.Context(), Config{Dialect: dialect, DSN: dsn, Kills: 4, Seed: seed})
		t.Logf("seed=%d %s", seed, report)
		require.NoError(t, err)
		// A loaded machine is no fault: the bound is make crash's to check.
		require.NoError(t, report.Check(patience))
	})
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
	good := Report{Kills: 4, Met: 3, Committed: 9, Received: 9, RolledBack: 1, Twice: 2, RecoveryMax: Lease + time.Second}
	require.NoError(t, good.Check(time.Second))
	for what, spoil := range map[string]func(*Report){
		"lost":              func(r *Report) { r.Lost = 1 },
		"nobody committed":  func(r *Report) { r.Phantom = 1 },
		"not committed":     func(r *Report) { r.Received = 8 },
		"parked":            func(r *Report) { r.Left = 1 },
		"nothing was com":   func(r *Report) { r.Committed, r.Received = 0, 0 },
		"rolled back":       func(r *Report) { r.RolledBack = 0 },
		"no kill met":       func(r *Report) { r.Met = 0 },
		"recovery took too": func(r *Report) { r.RecoveryMax += time.Millisecond },
	} {
		bad := good
		spoil(&bad)
		require.ErrorContains(t, bad.Check(time.Second), what)
	}
}
