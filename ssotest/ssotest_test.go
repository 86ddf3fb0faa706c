package ssotest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/ssotest"
)

func quiet(context.Context, amsbridge.SSOEvent) {}

// ours is the module's verifier of hand-offs.
func ours(change func(*amsbridge.VerifierConfig)) func(ssotest.Setup) (ssotest.Verifier, error) {
	return func(s ssotest.Setup) (ssotest.Verifier, error) {
		cfg := amsbridge.VerifierConfig{
			Issuer: s.Issuer, Audience: s.Audience, KeySource: s.KeySource, Replay: amsbridge.NewMemoryReplay(s.Now),
			ReturnOrigins: s.ReturnOrigins, Skew: s.Skew, Now: s.Now, Audit: quiet,
		}
		if change != nil {
			change(&cfg)
		}
		if cfg.KeySource == nil {
			cfg.Keys = s.Keys
		}
		v, err := amsbridge.NewVerifier(cfg)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, token string) (ssotest.Accepted, error) {
			h, err := v.Verify(ctx, token)
			return ssotest.Accepted{UserID: string(h.User.ID), ReturnTo: h.ReturnTo}, reason(err)
		}, nil
	}
}

// reason is what the verifier keeps for the log.
func reason(err error) error {
	var refused *amsbridge.TokenError
	if errors.As(err, &refused) {
		return refused.Err
	}
	return err
}

// ourSessions is the module's verifier of pull sessions.
func ourSessions(s ssotest.Setup) (ssotest.Verifier, error) {
	v, err := amsbridge.NewSessionVerifier(amsbridge.SessionVerifierConfig{
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

var secretOnly = []amsbridge.Algorithm{amsbridge.HS256}

func TestOurVerifier(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]ssotest.Config{
		"key pairs":   {New: ours(nil)},
		"EdDSA first": {New: ours(nil), Algorithms: []amsbridge.Algorithm{amsbridge.EdDSA, amsbridge.ES256}, Skew: time.Minute},
		"everything":  {New: ours(nil), Algorithms: []amsbridge.Algorithm{amsbridge.ES256, amsbridge.HS256, amsbridge.EdDSA, amsbridge.RS256}},
		"a secret":    {New: ours(nil), Algorithms: secretOnly},
		"a list of keys": {
			New: ours(func(c *amsbridge.VerifierConfig) { c.KeySource = nil }), Lacks: []ssotest.Feature{ssotest.KeyStates},
			Algorithms: []amsbridge.Algorithm{amsbridge.EdDSA},
		},
		"the system's clock": {
			New: ours(func(c *amsbridge.VerifierConfig) { c.Now, c.Replay = nil, amsbridge.NewMemoryReplay(nil) }), Algorithms: []amsbridge.Algorithm{amsbridge.ES256}, Lacks: []ssotest.Feature{ssotest.Clock},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ssotest.Run(t, cfg)
		})
	}
}

func TestOurSessionVerifier(t *testing.T) {
	t.Parallel()
	for _, algorithms := range [][]amsbridge.Algorithm{nil, secretOnly} {
		ssotest.Run(t, ssotest.Config{New: ourSessions, Kind: ssotest.Sessions, Algorithms: algorithms})
	}
}

// bad runs the cases and returns those that fail, by name.
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
