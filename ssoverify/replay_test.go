package ssoverify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
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

// A token is remembered until the last moment at which any verifier would accept it, whatever other tokens
// are swept away, and is forgotten some time after.
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
	last := end.Add(ssotoken.MaxSkew + keepLonger)
	for at := keytest.Time(); !at.After(last); at = at.Add(time.Second) {
		clock.Set(at)
		require.True(t, use(fmt.Sprint("other at ", at), at.Add(time.Minute)))
		require.False(t, use("a", end), at.Sub(keytest.Time()))
	}
	require.LessOrEqual(t, len(store.used), int((keepLonger+ssotoken.MaxSkew+3*time.Minute)/time.Second), "no more than a while's")
	clock.Advance(time.Hour)
	require.True(t, use("b", clock.Now().Add(time.Minute)))
	require.Len(t, store.used, 1, "what is over is swept")
}

// What was forgotten stays refused when the clock is set back, and so for verifiers whose skews differ. What
// is issued from then on is let in, sooner or later.
func TestMemoryReplayRefusesWhatItForgot(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{152 * time.Second, keepLonger + 5*time.Minute, 24 * time.Hour, 10 * 365 * 24 * time.Hour} {
		clock := keytest.NewClock(keytest.Time())
		store := NewMemoryReplay(clock.Now)
		use := func(id string, lifetime time.Duration) bool {
			first, err := store.Consume(t.Context(), shop, elevate, id, clock.Now().Add(lifetime))
			require.NoError(t, err)
			return first
		}
		until := 90 * time.Second
		require.True(t, use("a", until))
		clock.Advance(ahead)
		require.True(t, use("b", until), "another token, which makes the store forget old ones")
		clock.Set(keytest.Time().Add(30 * time.Second))
		require.False(t, use("a", until-30*time.Second), ahead)
		require.False(t, use("a", until-30*time.Second+ssotoken.MaxSkew), "%s: by a verifier with another skew", ahead)
		clock.Set(keytest.Time().Add(ssotoken.MaxHandOffLifetime + ssotoken.MaxSkew))
		require.True(t, use("c", until), "%s: a new token", ahead)
	}
}

// A clock that ran a day ahead for twenty minutes, while members came, and was set right locks nobody out: neither
// then nor, but for two minutes, when that day comes.
func TestMemoryReplayLocksNobodyOutAfterTheClockRanAhead(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{15 * time.Minute, 24 * time.Hour, 40 * 24 * time.Hour} {
		start := keytest.Time()
		clock := keytest.NewClock(start)
		store := NewMemoryReplay(clock.Now)
		use := func(id string) bool {
			first, err := store.Consume(t.Context(), shop, elevate, id, clock.Now().Add(90*time.Second))
			require.NoError(t, err)
			return first
		}
		require.True(t, use("a"))
		clock.Set(start.Add(ahead))
		require.True(t, use("b"))
		clock.Set(start.Add(ahead + 20*time.Minute))
		require.True(t, use("c"), "which makes the store forget b")
		refused := 0
		for at := 3 * time.Minute; at < ahead+30*time.Minute; at += time.Minute {
			clock.Set(start.Add(at))
			if !use(fmt.Sprint("at ", at)) {
				refused++
			}
		}
		require.LessOrEqual(t, refused, 3, ahead)
		clock.Set(start.Add(ahead))
		require.False(t, use("b"), ahead)
	}
}

// However the clock is set, and whichever verifier asks, no token is accepted twice, and what is remembered stays
// small.
func TestMemoryReplayAcceptsNothingTwiceWhateverTheClockDoes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 15))
		between := func(least, most time.Duration) time.Duration {
			return least + time.Duration(random.Int64N(int64(most-least)))
		}
		clock := keytest.NewClock(keytest.Time())
		store := NewMemoryReplay(clock.Now)
		ends, accepted := []time.Time{}, map[int]bool{}
		for range 300 {
			if random.IntN(10) == 0 {
				day := time.Duration(random.IntN(100)-50) * 24 * time.Hour
				clock.Set(keytest.Time().Add(day + between(-time.Hour, time.Hour)))
			} else {
				clock.Advance(between(0, 5*time.Minute))
			}
			ends = append(ends, clock.Now().Add(between(time.Second, ssotoken.MaxHandOffLifetime)))
			for _, i := range []int{len(ends) - 1, random.IntN(len(ends))} {
				until := ends[i].Add(between(0, ssotoken.MaxSkew))
				first, err := store.Consume(t.Context(), shop, elevate, fmt.Sprint(i), until)
				require.NoError(t, err)
				require.False(t, first && accepted[i], "seed %d: token %d was accepted twice", seed, i)
				accepted[i] = accepted[i] || first
			}
		}
		require.LessOrEqual(t, len(store.forgotten), maxSpans)
		require.Greater(t, len(accepted), 0)
	}
}

// Two verifiers with different skews share a store: a token that the strict one would no longer accept is
// still refused by the lenient one.
func TestVerifiersWithDifferentSkewsShareAStore(t *testing.T) {
	t.Parallel()
	key := keytest.Generated(t, ssokeys.EdDSA, "k1")
	clock := keytest.NewClock(keytest.Time())
	store := NewMemoryReplay(clock.Now)
	with := func(skew time.Duration) *Verifier {
		v, err := New(Config{
			Issuer: shop, Audience: elevate, Keys: []ssokeys.VerificationKey{keytest.Public(t, key)},
			Replay: store, Audit: quiet, Skew: skew, Now: clock.Now,
		})
		require.NoError(t, err)
		return v
	}
	cfg := ssoConfig(key)
	cfg.Now = clock.Now
	cfg.Audiences[0].Lifetime = sweepEvery / 2 // it ends before the next sweep
	sso := newSSO(t, cfg)
	strict, lenient, token := with(time.Second), with(time.Minute), minted(t, sso)
	_, err := strict.Verify(t.Context(), token)
	require.NoError(t, err)
	for range 24 {
		clock.Advance(5 * time.Second)
		_, err = lenient.Verify(t.Context(), minted(t, sso))
		require.NoError(t, err)
		_, err = lenient.Verify(t.Context(), token)
		require.ErrorIs(t, err, ErrInvalidToken)
	}
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
