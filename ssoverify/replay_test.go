package ssoverify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
)

func TestOneTokenHundredGoroutines(t *testing.T) {
	t.Parallel()
	key := keytest.Generated(t, ssokeys.EdDSA, "k1")
	public := keytest.Public(t, key)
	cfg := ssoConfig(key)
	sso := newSSO(t, cfg)
	store := NewMemoryReplay(cfg.Now)
	verifiers := make([]*Verifier, 2)
	for i := range verifiers { // two receivers share one store
		var err error
		verifiers[i], err = New(Config{Issuer: shop, Audience: elevate, Keys: []ssokeys.VerificationKey{public}, Replay: store, Audit: quiet, Now: cfg.Now})
		require.NoError(t, err)
	}
	for range 50 {
		token := minted(t, sso)
		var accepted, replayed atomic.Int64
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				switch _, err := verifiers[i%2].Verify(t.Context(), token); {
				case err == nil:
					accepted.Add(1)
				case IsReplay(err) && errors.Is(err, ErrInvalidToken):
					replayed.Add(1)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, accepted.Load())
		require.EqualValues(t, 99, replayed.Load())
	}
}

// A token is remembered until the last moment at which it would be accepted, whatever other tokens are
// swept away, and is forgotten some time after.
// The zero value is an empty store.
func TestMemoryReplayNeedsNoConstructor(t *testing.T) {
	t.Parallel()
	var store MemoryReplay
	for _, first := range []bool{true, false} {
		got, err := store.Consume(t.Context(), "iss", "aud", "id", time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.Equal(t, first, got)
	}
}

func TestMemoryReplayForgetsNeverEarly(t *testing.T) {
	t.Parallel()
	clock := keytest.NewClock(keytest.Time())
	store := NewMemoryReplay(clock.Now)
	use := func(id string, until time.Time) bool {
		first, err := store.Consume(t.Context(), shop, elevate, id, until)
		require.NoError(t, err)
		return first
	}
	end := keytest.Time().Add(sweepEvery + time.Second) // when the next sweep is due
	require.True(t, use("a", end))
	for at := keytest.Time(); !at.After(end); at = at.Add(time.Second) {
		clock.Set(at)
		require.True(t, use(fmt.Sprint("other at ", at), at))
		require.False(t, use("a", end), at.Sub(keytest.Time()))
	}
	clock.Set(end.Add(2 * sweepEvery))
	require.True(t, use("b", clock.Now()))
	require.Len(t, store.used, 1, "what is over is swept")
}

// The three names are never confused, whatever they hold.
func TestReplayIsKeyedByIssuerAudienceAndID(t *testing.T) {
	t.Parallel()
	store := NewMemoryReplay(nil)
	until := time.Now().Add(time.Minute)
	for _, id := range [][3]string{{"a", "b", "c"}, {"a", "b", "d"}, {"a", "d", "c"}, {"d", "b", "c"}, {"ab", "", "c"}, {"", "ab", "c"}, {"a", "bc", ""}, {"a,b", "c", ""}} {
		for _, want := range []bool{true, false} {
			first, err := store.Consume(t.Context(), id[0], id[1], id[2], until)
			require.NoError(t, err)
			require.Equal(t, want, first, id)
		}
	}
}

type replayFunc func(issuer, audience, id string, until time.Time) (bool, error)

func (f replayFunc) Consume(_ context.Context, issuer, audience, id string, until time.Time) (bool, error) {
	return f(issuer, audience, id, until)
}

// A store that fails lets nobody in, and is called only for tokens that are otherwise good.
func TestReplayStoreFailsClosed(t *testing.T) {
	t.Parallel()
	key := keytest.Generated(t, ssokeys.EdDSA, "k1")
	public := keytest.Public(t, key)
	sso := newSSO(t, ssoConfig(key))
	down, calls := errors.New("password=hunter2: connection refused"), 0
	for _, first := range []bool{false, true} {
		v, err := New(Config{
			Issuer: shop, Audience: elevate, Keys: []ssokeys.VerificationKey{public}, Audit: quiet, Now: keytest.Time,
			Replay: replayFunc(func(issuer, audience, id string, until time.Time) (bool, error) {
				calls++
				require.Equal(t, []string{shop, elevate}, []string{issuer, audience})
				require.Len(t, id, 26)
				require.Equal(t, keytest.Time().Add(time.Minute+30*time.Second), until, "until exp and the skew")
				return first, down
			}),
		})
		require.NoError(t, err)
		_, err = v.Verify(t.Context(), minted(t, sso))
		require.ErrorIs(t, err, ErrInvalidToken)
		require.ErrorIs(t, err, down)
		require.False(t, IsReplay(err))
		require.NotContains(t, errors.Unwrap(err).Error(), "hunter2")
		_, err = v.Verify(t.Context(), minted(t, sso)+"A")
		require.ErrorIs(t, err, ErrInvalidToken)
	}
	require.Equal(t, 2, calls)
}
