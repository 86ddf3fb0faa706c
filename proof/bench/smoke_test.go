package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/proof/testdb"
)

func TestMain(m *testing.M) {
	if child, err := Child(context.Background()); child {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// smallLab has every engine that there is, and sizes that take no time.
func smallLab(t *testing.T) *Lab {
	t.Helper()
	l := &Lab{Rounds: 1, Scale: 1000}
	for _, e := range Engines() {
		servers, err := Start(t.Context(), []Engine{e})
		var missing *testdb.MissingError
		if errors.As(err, &missing) && os.Getenv("CI") != "true" {
			t.Log(err)
			continue
		}
		require.NoError(t, err)
		require.NoError(t, servers.Stop())
		l.Engines = append(l.Engines, e)
	}
	servers, err := Start(t.Context(), l.Engines)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, servers.Stop()) })
	l.Servers = servers
	return l
}

// Every measurement does its work and comes to figures; what they are says
// nothing here.
func TestMeasurements(t *testing.T) {
	t.Parallel()
	l := smallLab(t)
	all := Measurements(regexp.MustCompile(""))
	require.Len(t, all, 16)
	for _, m := range all {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			rows, err := m.Run(t.Context(), l)
			require.NoError(t, err)
			if len(l.Engines) == len(Engines()) {
				require.NotEmpty(t, rows)
			}
			for _, r := range rows {
				require.Len(t, r.Values, 1, r.Name)
				require.True(t, r.Values[0] >= 0 && !math.IsInf(r.Values[0], 0), "%s: %v", r.Name, r.Values)
				require.Contains(t, r.String(), m.Name+": ")
			}
		})
	}
}

func TestSetting(t *testing.T) {
	t.Parallel()
	l := &Lab{}
	var err error
	l.Engines, err = EnginesNamed("sqlite")
	require.NoError(t, err)
	text, err := l.Setting(t.Context())
	require.NoError(t, err)
	require.Regexp(t, `^\d{4}-\d\d-\d\d: \d+ × .+, go1\..+\nsqlite: SQLite \d.+\nmodules: `, text)
	_, err = EnginesNamed("sqlite,oracle")
	require.ErrorContains(t, err, "oracle")
}

func TestMeasurementsByName(t *testing.T) {
	t.Parallel()
	got := Measurements(regexp.MustCompile("^drain"))
	require.Len(t, got, 3)
	require.Equal(t, "drain, instant answer", got[0].Name)
}
