package amsbridge

import (
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

// rival signs and verifies the same claims by ours and by golang-jwt alone, as
// its documentation shows: one parser with the options that it recommends.
// Without the audit's log, which bare golang-jwt has none of.
type rival struct {
	key    signingKey
	sso    *SSO
	verify *Verifier
	parser *jwt.Parser
}

func newRival(b testing.TB, alg Algorithm) *rival {
	b.Helper()
	key := generated(b, alg, "k")
	r := &rival{}
	own, _, problem := key.check()
	require.Empty(b, problem)
	r.key = own
	cfg := ssoConfig(nil)
	cfg.Now = nil
	cfg.Audiences[0].Key, cfg.Audiences[0].SharedSecret = key, alg == HS256
	var err error
	r.sso, err = NewSSO(cfg)
	require.NoError(b, err)
	public, err := key.Verification()
	require.NoError(b, err)
	r.verify, err = NewVerifier(VerifierConfig{Issuer: shop, Audience: elevate, Keys: []VerificationKey{public}, AllowReplay: true, Audit: quiet})
	require.NoError(b, err)
	r.parser = jwt.NewParser(jwt.WithValidMethods([]string{string(alg)}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithIssuer(shop), jwt.WithAudience(elevate), jwt.WithLeeway(30*time.Second))
	return r
}

func (r *rival) signOurs(b testing.TB) string {
	token, err := r.sso.HandOff(b.Context(), HandOffRequest{Audience: "elevate", User: User{ID: "U-1042"}, ReturnTo: "/courses/7"})
	if err != nil {
		b.Fatal(err)
	}
	return token
}

func (r *rival) signBare(b testing.TB) string {
	now := time.Now().Unix()
	t := jwt.NewWithClaims(r.key.method, jwt.MapClaims{
		"iss": shop, "sub": "U-1042", "aud": elevate, "iat": now, "exp": now + 60, "jti": rand.Text(), "return_to": "/courses/7",
	})
	t.Header["kid"], t.Header["typ"] = r.key.id, handOffType
	token, err := t.SignedString(r.key.private)
	if err != nil {
		b.Fatal(err)
	}
	return token
}

func (r *rival) verifyOurs(b testing.TB, token string) {
	if _, err := r.verify.Verify(b.Context(), token); err != nil {
		b.Fatal(err)
	}
}

func (r *rival) verifyBare(b testing.TB, token string) {
	if _, err := r.parser.Parse(token, func(*jwt.Token) (any, error) { return r.key.public.public, nil }); err != nil {
		b.Fatal(err)
	}
}

var benched = []Algorithm{ES256, EdDSA, RS256, HS256}

func BenchmarkSign(b *testing.B) {
	for _, alg := range benched {
		r := newRival(b, alg)
		beside(b, string(alg), func(b *testing.B) { r.signOurs(b) }, func(b *testing.B) { r.signBare(b) })
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, alg := range benched {
		r := newRival(b, alg)
		token := r.signOurs(b)
		beside(b, string(alg), func(b *testing.B) { r.verifyOurs(b, token) }, func(b *testing.B) { r.verifyBare(b, token) })
	}
}

// beside runs both alone, for their allocations, and then in turns, for a ratio
// that whatever else the machine does falls on alike: that of the medians.
func beside(b *testing.B, name string, ours, bare func(*testing.B)) {
	alone := func(f func(*testing.B)) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f(b)
			}
		}
	}
	b.Run(name+"/ours", alone(ours))
	b.Run(name+"/bare", alone(bare))
	b.Run(name+"/ratio", func(b *testing.B) {
		var took [2][]time.Duration
		for b.Loop() {
			for i, f := range []func(*testing.B){ours, bare} {
				start := time.Now()
				f(b)
				took[i] = append(took[i], time.Since(start))
			}
		}
		for _, t := range took {
			slices.Sort(t)
		}
		middle := len(took[0]) / 2
		b.ReportMetric(float64(took[0][middle])/float64(took[1][middle]), "ours/bare")
	})
}
