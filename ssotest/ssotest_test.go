package ssotest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssotest"
	"github.com/amsbridge/amsbridge/ssoverify"
)

func quiet(context.Context, amsbridge.SSOEvent) {}

// ours is the module's verifier of hand-offs.
func ours(change func(*ssoverify.Config)) func(ssotest.Setup) (ssotest.Verifier, error) {
	return func(s ssotest.Setup) (ssotest.Verifier, error) {
		cfg := ssoverify.Config{
			Issuer: s.Issuer, Audience: s.Audience, KeySource: s.KeySource, Replay: ssoverify.NewMemoryReplay(s.Now),
			ReturnOrigins: s.ReturnOrigins, Skew: s.Skew, Now: s.Now, Audit: quiet,
		}
		if change != nil {
			change(&cfg)
		}
		if cfg.KeySource == nil {
			cfg.Keys = s.Keys
		}
		v, err := ssoverify.New(cfg)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, token string) (ssotest.Accepted, error) {
			h, err := v.Verify(ctx, token)
			return ssotest.Accepted{UserID: string(h.User.ID), ReturnTo: h.ReturnTo}, reason(err)
		}, nil
	}
}

// reason returns the reason that the verifier keeps for the log.
func reason(err error) error {
	var refused *ssoverify.TokenError
	if errors.As(err, &refused) {
		return refused.Err
	}
	return err
}

// ourSessions is the module's verifier of pull sessions.
func ourSessions(s ssotest.Setup) (ssotest.Verifier, error) {
	v, err := ssoverify.NewSessions(ssoverify.SessionsConfig{
		Issuer: s.Issuer, Audience: s.Audience, KeySource: s.KeySource, Alive: s.Alive, Skew: s.Skew, Now: s.Now, Audit: quiet,
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, token string) (ssotest.Accepted, error) {
		got, err := v.Verify(ctx, token)
		return ssotest.Accepted{UserID: string(got.UserID)}, reason(err)
	}, nil
}

var secretOnly = []ssokeys.Algorithm{ssokeys.HS256}

func TestOurVerifier(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]ssotest.Config{
		"key pairs":   {New: ours(nil)},
		"EdDSA first": {New: ours(nil), Algorithms: []ssokeys.Algorithm{ssokeys.EdDSA, ssokeys.ES256}, Skew: time.Minute},
		"everything":  {New: ours(nil), Algorithms: []ssokeys.Algorithm{ssokeys.ES256, ssokeys.HS256, ssokeys.EdDSA, ssokeys.RS256}},
		"a secret":    {New: ours(nil), Algorithms: secretOnly},
		"a list of keys": {
			New: ours(func(c *ssoverify.Config) { c.KeySource = nil }), Lacks: []ssotest.Feature{ssotest.KeyStates},
			Algorithms: []ssokeys.Algorithm{ssokeys.EdDSA},
		},
		"the system's clock": {
			New: ours(func(c *ssoverify.Config) { c.Now, c.Replay = nil, ssoverify.NewMemoryReplay(nil) }), Algorithms: []ssokeys.Algorithm{ssokeys.ES256}, Lacks: []ssotest.Feature{ssotest.Clock},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ssotest.Run(t, cfg)
		})
	}
}

func TestOurSessions(t *testing.T) {
	t.Parallel()
	for _, algorithms := range [][]ssokeys.Algorithm{nil, secretOnly} {
		ssotest.Run(t, ssotest.Config{New: ourSessions, Kind: ssotest.Sessions, Algorithms: algorithms})
	}
}

// bad runs the cases and returns the failed ones, by name.
func bad(t *testing.T, cfg ssotest.Config) map[string]ssotest.Result {
	t.Helper()
	results, err := ssotest.Check(t.Context(), cfg)
	require.NoError(t, err)
	seen, failed := map[string]bool{}, map[string]ssotest.Result{}
	for _, r := range results {
		require.False(t, seen[r.Name], "%s is there twice", r.Name)
		seen[r.Name] = true
		require.NotEmpty(t, r.Why, r.Name)
		require.NotEmpty(t, r.Detail, r.Name)
		group, name, ok := strings.Cut(r.Name, "/")
		require.True(t, ok && group != "" && name != "", r.Name)
		if !r.Passed() {
			failed[r.Name] = r
		}
		require.Equal(t, r.Passed(), r.Harm() == "")
	}
	return failed
}
