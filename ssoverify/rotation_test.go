package ssoverify

import (
	"context"
	"errors"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// A key is exchanged while 1,000 members at once are verified, by the issuer's own ring and by a
// receiver that knows only the published set. Every signed token is accepted, also after the next
// change.
func TestRotationUnderConcurrentVerifications(t *testing.T) {
	t.Parallel()
	const members = 1000
	begins := keytest.Time().Add(time.Hour)
	clock := keytest.NewClock(keytest.Time())
	sso, ring := ringSSO(t, clock.Now,
		ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.EdDSA, "old"), RetireAt: begins},
		ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.ES256, "new"), ActiveFrom: begins},
	)
	published, err := ssokeys.NewJWKS(ssokeys.JWKSConfig{Rings: sso.Rings()})
	require.NoError(t, err)
	server := httptest.NewTLSServer(published)
	defer server.Close()
	remote, err := ssokeys.NewRemote(ssokeys.RemoteConfig{
		URL: server.URL, Transport: server.Client().Transport, Now: clock.Now, Timeout: time.Minute,
		Report: func(err error) { t.Error(err) },
	})
	require.NoError(t, err)
	verifiers := []*Verifier{sourceVerifier(t, ring, clock.Now), sourceVerifier(t, remote, clock.Now)}

	var verified, failed atomic.Int64
	verify := func(ctx context.Context, token string) {
		for _, v := range verifiers {
			if _, err := v.Verify(ctx, token); err != nil {
				failed.Add(1)
				t.Log(errors.Unwrap(err))
				continue
			}
			verified.Add(1)
		}
	}
	// In each round all tokens of the round before are verified and new ones signed, while the clock
	// moves on. A token is at most two moves old.
	const move = 20 * time.Second
	want := int64(0)
	around := func(at time.Time) {
		clock.Set(at.Add(-move - move/2))
		tokens := make([]string, members)
		for round := range 4 {
			if round > 0 {
				want += 2 * members
			}
			var wg sync.WaitGroup
			for i := range members {
				wg.Go(func() {
					if tokens[i] != "" {
						verify(t.Context(), tokens[i])
					}
					tokens[i] = minted(t, sso)
				})
				if i == members/2 {
					wg.Go(func() { clock.Advance(move) })
				}
			}
			wg.Wait()
		}
	}
	states := func(old, new ssokeys.State) {
		t.Helper()
		keys := ring.Keys()
		require.Equal(t, []ssokeys.State{old, new}, []ssokeys.State{keys[0].State, keys[1].State})
	}
	states(ssokeys.Active, ssokeys.Next)
	around(begins)
	states(ssokeys.Retiring, ssokeys.Active)
	around(begins.Add(ssokeys.RetiringFor))
	states(ssokeys.Retired, ssokeys.Active)
	require.Zero(t, failed.Load())
	require.Equal(t, want, verified.Load())

	clock.Advance(5 * time.Minute)
	_, err = remote.VerificationKey(t.Context(), "old")
	require.ErrorIs(t, err, ssokeys.ErrUnknown)
	require.NoError(t, ring.Revoke("new"))
	clock.Advance(5 * time.Minute)
	_, err = remote.VerificationKey(t.Context(), "new")
	require.ErrorIs(t, err, ssokeys.ErrUnknown)
}
