package ssoverify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// refusals verifies with a key "ed", and records the log and the public message.
type refusals struct {
	verifier *Verifier
	sign     func(header, claims string) string
	reason   string // of the last audit row
}

func newRefusals(t testing.TB) *refusals {
	t.Helper()
	r := &refusals{}
	ed := keytest.Ed25519(t)
	r.sign = func(header, claims string) string { return forge(t, jwt.SigningMethodEdDSA, ed, header, claims) }
	var err error
	r.verifier, err = New(Config{
		Issuer: shop, Audience: elevate, Keys: []ssokeys.VerificationKey{{ID: "ed", Public: ed.Public()}}, AllowReplay: true,
		Now: keytest.Time, Audit: func(_ context.Context, e amsbridge.SSOEvent) { r.reason = e.Reason },
	})
	require.NoError(t, err)
	return r
}

// refuse returns the reason, which must be the audit's too, and checks that the public message gives
// none.
func (r *refusals) refuse(t testing.TB, token string) string {
	t.Helper()
	_, err := r.verifier.Verify(t.Context(), token)
	var refused *TokenError
	require.ErrorAs(t, err, &refused)
	require.EqualError(t, err, "ssoverify: the token is not valid")
	require.EqualError(t, refused.Err, r.reason)
	reason := r.reason

	accept, err := r.verifier.Accept(AcceptConfig{}, http.NotFoundHandler())
	require.NoError(t, err)
	rec := httptest.NewRecorder()
	accept.ServeHTTP(rec, posted("token="+token))
	require.Equal(t, http.StatusForbidden, rec.Code)
	require.Contains(t, rec.Body.String(), "We could not sign you in")
	require.NotContains(t, rec.Body.String(), reason)
	return reason
}

// The reason shows which of our rules refused, before the library saw the token.
func TestReasons(t *testing.T) {
	t.Parallel()
	r := newRefusals(t)
	header := func(old, new string) string { return r.sign(replace(t, goodHeader, old, new), goodClaims) }
	claims := func(old, new string) string { return r.sign(goodHeader, replace(t, goodClaims, old, new)) }
	const long = "exp is not after iat, or too long after it"
	for _, c := range []struct{ token, reason string }{
		{strings.Repeat("x", amsbridge.MaxToken+1), "token is longer than 8 KiB"},
		{strings.Repeat(".", amsbridge.MaxToken), "token has not two dots"},
		{header(`EdDSA`, `ES256`), `header: alg is "ES256", expected "EdDSA"`},
		{header(`EdDSA`, `none`), `header: alg is "none", expected "EdDSA"`},
		{header(`"alg":"EdDSA",`, ``), `header: alg is missing, expected "EdDSA"`},
		{header(`"EdDSA"`, `256`), `header: alg is not a text, expected "EdDSA"`},
		{header(`ams-handoff+jwt`, `JWT`), `header: typ is "JWT", expected "ams-handoff+jwt"`},
		{header(`,"typ":"ams-handoff+jwt"`, ``), `header: typ is missing, expected "ams-handoff+jwt"`},
		{header(`"ed"`, `"2025"`), "header: kid is not that of an accepted key"},
		{header(`"ed"`, `"`+strings.Repeat("k", 128)+`"`), "header: kid is not that of an accepted key"},
		{header(`"ed"`, `"../ed"`), `header: kid is not that of a key`},
		{header(`{`, `{"jwk":{},`), "header: a member is not known"},
		{claims(`"/c"`, `[[]]`), "claims: return_to is an object or a list"},
		{claims(`1800000060`, `1800000060000`), "claims: exp is not a time in whole seconds"},
		{claims(`1800000060`, `18000000.6e2`), "claims: exp is not a time in whole seconds"},
		{claims(`1800000060`, `-0`), "claims: exp is not a time in whole seconds"},
		{claims(`1800000060`, `1800000121`), "claims: " + long},
		{claims(shop, elevate), `claims: iss is "https://learn.example.org", expected "https://shop.example.org"`},
		{claims(elevate, "https://other.example"), `claims: aud is "https://other.example", expected "https://learn.example.org"`},
		{claims(elevate, ""), `claims: aud is "", expected "https://learn.example.org"`},
		{claims(`1800000060,"iat":1800000000`, `1800000091,"iat":1800000031`), "claims: iat 2027-01-15T08:00:31Z is in the future, at 2027-01-15T08:00:00Z"},
		{claims(`1800000060,"iat":1800000000`, `1799999970,"iat":1799999960`), "claims: exp 2027-01-15T07:59:30Z has passed, at 2027-01-15T08:00:00Z"},
		{claims(`U-1`, `null`), "claims: sub is the text of a missing value"},
		{claims(`U-1`, ` U-1`), "claims: sub is padded with white space"},
		{claims(goodJTI, "U-1"), "claims: jti is not 26 characters of base32"},
	} {
		require.Equal(t, c.reason, r.refuse(t, c.token))
	}
	_, err := r.verifier.Verify(t.Context(), forge(t, jwt.SigningMethodEdDSA, keytest.Ed25519(t), goodHeader, goodClaims))
	require.ErrorIs(t, err, jwt.ErrTokenSignatureInvalid)
}

// A stranger's text is harmless in a log: it breaks no line, moves no cursor, shows no address, and
// does not fill the disk.
func TestHostileValuesAreInert(t *testing.T) {
	t.Parallel()
	r := newRefusals(t)
	for _, hostile := range []string{
		"a\nlevel=ERROR msg=forged", "\x1b[2J\x1b]0;owned\a", "a\u2028b", "\u202egro.elpmaxe", "a\x7f", "a\x00",
		"Ада Лавлейс", "Jane Doe, +1 202 555 0147", "ada@example.org", "ada%40example.org", "ada&#64;example.org",
		"https://ada@example.org", "https://shop.example.org/ada", "https://shop.example.org?ada", "sk_live_51H8xK2eZvKYlo2C",
		strings.Repeat("a", 5000), `" expected="x" \n <script>`, "ams", "jwt",
	} {
		shown := fmt.Sprintf("another text of %d bytes", len(hostile))
		quoted, err := json.Marshal(hostile)
		require.NoError(t, err)
		for what, token := range map[string]string{
			`claims: aud is %, expected "` + elevate + `"`: r.sign(goodHeader, replace(t, goodClaims, `"`+elevate+`"`, string(quoted))),
			`claims: iss is %, expected "` + shop + `"`:    r.sign(goodHeader, replace(t, goodClaims, `"`+shop+`"`, string(quoted))),
			`header: typ is %, expected "ams-handoff+jwt"`: r.sign(replace(t, goodHeader, `"ams-handoff+jwt"`, string(quoted)), goodClaims),
			`header: alg is %, expected "EdDSA"`:           r.sign(replace(t, goodHeader, `"EdDSA"`, string(quoted)), goodClaims),
			"claims: jti is not 26 characters of base32":   r.sign(goodHeader, replace(t, goodClaims, `"`+goodJTI+`"`, string(quoted))),
		} {
			reason := r.refuse(t, token)
			require.Equal(t, strings.ReplaceAll(what, "%", shown), reason)
			require.Less(t, len(reason), 400)
		}
		_, err = r.verifier.Verify(t.Context(), r.sign(goodHeader, replace(t, goodClaims, `"sub":"U-1"`, `"sub":`+string(quoted)+`,"nonce":7`)))
		require.Error(t, err)
		require.NotContains(t, r.reason, hostile, "a subject is never shown")
	}
	token := strings.Repeat("\x1b", 8<<10)
	require.Equal(t, "token has not two dots", r.refuse(t, token))
}
