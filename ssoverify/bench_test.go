package ssoverify

import (
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// rival signs and verifies the same claims with our code and with bare golang-jwt, set up as its
// documentation recommends: one parser with options. The audit's log is off, since golang-jwt has none.
type rival struct {
	key    ssokeys.SigningKey
	public ssokeys.VerificationKey
	sso    *amsbridge.SSO
	verify *Verifier
	parser *jwt.Parser
}

func newRival(b testing.TB, alg ssokeys.Algorithm) *rival {
	b.Helper()
	key := keytest.Generated(b, alg, "k")
	cfg := ssoConfig(key)
	cfg.Now = nil
	r := &rival{key: key, public: keytest.Public(b, key), sso: newSSO(b, cfg)}
	var err error
	r.verify, err = New(Config{
		Issuer: shop, Audience: elevate, Keys: []ssokeys.VerificationKey{r.public}, AllowReplay: true, Audit: quiet,
	})
	require.NoError(b, err)
	r.parser = jwt.NewParser(jwt.WithValidMethods([]string{string(alg)}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithIssuer(shop), jwt.WithAudience(elevate), jwt.WithLeeway(30*time.Second))
	return r
}

func (r *rival) signOurs(b testing.TB) string {
	token, err := r.sso.HandOff(b.Context(), amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: "U-1042"}, ReturnTo: "/courses/7"})
	if err != nil {
		b.Fatal(err)
	}
	return token
}

func (r *rival) signBare(b testing.TB) string {
	now := time.Now().Unix()
	t := jwt.NewWithClaims(jwt.GetSigningMethod(string(r.public.Algorithm())), jwt.MapClaims{
		"iss": shop, "sub": "U-1042", "aud": elevate, "iat": now, "exp": now + 60, "jti": rand.Text(), "return_to": "/courses/7",
	})
	t.Header["kid"], t.Header["typ"] = r.key.ID, ssotoken.HandOffType
	token, err := t.SignedString(secretOr(r.key.Secret, r.key.Private))
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
	if _, err := r.parser.Parse(token, func(*jwt.Token) (any, error) { return secretOr(r.public.Secret, r.public.Public), nil }); err != nil {
		b.Fatal(err)
	}
}

func secretOr(secret []byte, key any) any {
	if secret != nil {
		return secret
	}
	return key
}

func BenchmarkSign(b *testing.B) {
	for _, alg := range keytest.Algorithms() {
		r := newRival(b, alg)
		beside(b, string(alg), func(b *testing.B) { r.signOurs(b) }, func(b *testing.B) { r.signBare(b) })
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, alg := range keytest.Algorithms() {
		r := newRival(b, alg)
		token := r.signOurs(b)
		beside(b, string(alg), func(b *testing.B) { r.verifyOurs(b, token) }, func(b *testing.B) { r.verifyBare(b, token) })
	}
}

// beside runs each alone, to count allocations, and then both in turns. The ratio of their medians is
// then independent of the machine's other load.
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
