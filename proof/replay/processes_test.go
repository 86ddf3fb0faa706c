package replay

import (
	"crypto/rand"
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// One token, three processes, and a hundred goroutines: in each of them, or with
// the race detector in all.
const (
	rounds    = 200
	processes = 3
	// handOffEvery is how many rounds have one signed hand-off, verified by every
	// goroutine; checking so many signatures takes longer than the database does.
	handOffEvery = 5
)

// Each token is accepted once, however many ask at the same time. The three
// processes differ in driver and settings.
func TestOneTokenIsAcceptedOnceByManyProcesses(t *testing.T) {
	each(t, engines, func(t *testing.T, s setup) {
		db, dsn := s.migrated(t)
		key, err := ssokeys.Generate(ssokeys.ES256)
		require.NoError(t, err)
		sso, err := amsbridge.NewSSO(amsbridge.SSOConfig{
			Issuer: issuer, Audiences: []amsbridge.Audience{{Name: "elevate", Audience: audience, Key: key}}, Audit: quiet,
		})
		require.NoError(t, err)
		public, err := x509.MarshalPKIXPublicKey(key.Private.Public())
		require.NoError(t, err)

		var all []*child
		for i := range processes {
			how := s.others()[i]
			all = append(all, spawn(t, instructions{
				Dialect: s.dialect, Driver: how.driver, Params: how.params, DSN: dsn, Conns: how.conns, Goroutines: goroutines,
				KeyID: key.ID, Key: public,
			}))
		}
		begun := time.Now()
		for round := range rounds {
			token := rand.Text()
			if round%handOffEvery == 0 {
				token, err = sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: "U-1"}})
				require.NoError(t, err)
			}
			for _, c := range all {
				_, err := c.stdin.Write([]byte(token + "\n"))
				require.NoError(t, err)
			}
			var sum tally
			for _, c := range all {
				var one tally
				require.NoError(t, c.answers.Decode(&one), "%s", &c.stderr)
				sum.Accepted, sum.Used, sum.Failed = sum.Accepted+one.Accepted, sum.Used+one.Used, sum.Failed+one.Failed
				sum.Problem += one.Problem
			}
			require.Equal(t, tally{Accepted: 1, Used: processes*goroutines - 1}, sum, "round %d", round)
		}
		t.Logf("%d rounds of %d uses in %s", rounds, processes*goroutines, time.Since(begun).Round(time.Millisecond))
		require.Equal(t, rounds, count(t, db, "amsbridge_replay"))
	})
}
