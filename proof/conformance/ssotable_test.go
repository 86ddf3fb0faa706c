package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssotest"
	"github.com/amsbridge/amsbridge/ssoverify"
)

const (
	attacksDoc = "../../docs/attacks.md"
	tableBegin = "<!-- table: begin -->\n"
	tableEnd   = "<!-- table: end -->\n"
	// writeDocs, when set, writes what was found into the document in place of
	// comparing it.
	writeDocs = "AMSBRIDGE_WRITE_DOCS"
)

// contestants are the table's columns. What a library leaves to its caller by
// design is in Lacks, and not tried.
var contestants = []struct {
	name string
	cfg  ssotest.Config
}{
	{"golang-jwt, bare", ssotest.Config{New: golangBare, Lacks: []ssotest.Feature{ssotest.Replay, ssotest.ReturnTargets, ssotest.Clock}}},
	{"golang-jwt, with care", ssotest.Config{New: golangWithCare, Lacks: []ssotest.Feature{ssotest.Replay, ssotest.ReturnTargets}}},
	{"go-jose, with care", ssotest.Config{New: joseWithCare, Lacks: []ssotest.Feature{ssotest.Replay, ssotest.ReturnTargets}}},
	{"amsbridge", ssotest.Config{New: ourVerifier}},
}

// golangBare is jwt.Parse and a look-up of the key, as many programs have it.
func golangBare(s ssotest.Setup) (ssotest.Verifier, error) {
	return func(ctx context.Context, token string) (ssotest.Accepted, error) {
		parsed, err := jwt.Parse(token, func(t *jwt.Token) (any, error) {
			id, _ := t.Header["kid"].(string)
			return keyFor(s.KeySource.VerificationKey(ctx, id))
		})
		if err != nil {
			return ssotest.Accepted{}, err
		}
		user, err := parsed.Claims.GetSubject()
		return ssotest.Accepted{UserID: user}, err
	}, nil
}

// golangWithCare sets each option that fits, and holds the algorithm to the key.
func golangWithCare(s ssotest.Setup) (ssotest.Verifier, error) {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"ES256", "EdDSA", "RS256"}), jwt.WithStrictDecoding(), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithIssuer(s.Issuer), jwt.WithAudience(s.Audience), jwt.WithLeeway(s.Skew), jwt.WithTimeFunc(s.Now),
	)
	return func(ctx context.Context, token string) (ssotest.Accepted, error) {
		var claims struct {
			jwt.RegisteredClaims
			ReturnTo string `json:"return_to"`
			Nonce    string `json:"nonce"`
		}
		_, err := parser.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) {
			id, _ := t.Header["kid"].(string)
			k, err := s.KeySource.VerificationKey(ctx, id)
			if err == nil && t.Method.Alg() != methodOf(k) {
				err = errors.New("the algorithm is not the key's")
			}
			return keyFor(k, err)
		})
		return ssotest.Accepted{UserID: claims.Subject}, err
	}, nil
}

// joseWithCare gives the algorithms and the key set, and validates the claims.
func joseWithCare(s ssotest.Setup) (ssotest.Verifier, error) {
	return func(_ context.Context, token string) (ssotest.Accepted, error) {
		parsed, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256})
		if err != nil {
			return ssotest.Accepted{}, err
		}
		text, err := s.JWKS()
		if err != nil {
			return ssotest.Accepted{}, err
		}
		var set jose.JSONWebKeySet
		if err := json.Unmarshal(text, &set); err != nil {
			return ssotest.Accepted{}, err
		}
		var claims josejwt.Claims
		if err := parsed.Claims(set, &claims); err != nil {
			return ssotest.Accepted{}, err
		}
		return ssotest.Accepted{UserID: claims.Subject}, claims.ValidateWithLeeway(josejwt.Expected{
			Issuer: s.Issuer, AnyAudience: josejwt.Audience{s.Audience}, Time: s.Now(),
		}, s.Skew)
	}, nil
}

func ourVerifier(s ssotest.Setup) (ssotest.Verifier, error) {
	v, err := ssoverify.New(ssoverify.Config{
		Issuer: s.Issuer, Audience: s.Audience, KeySource: s.KeySource, Replay: ssoverify.NewMemoryReplay(s.Now),
		ReturnOrigins: s.ReturnOrigins, Skew: s.Skew, Now: s.Now, Audit: noAudit,
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, token string) (ssotest.Accepted, error) {
		h, err := v.Verify(ctx, token)
		return ssotest.Accepted{UserID: string(h.User.ID), ReturnTo: h.ReturnTo}, err
	}, nil
}

func keyFor(k ssokeys.VerificationKey, err error) (any, error) {
	if k.Public != nil {
		return k.Public, err
	}
	return k.Secret, err
}

func methodOf(k ssokeys.VerificationKey) string {
	text, err := json.Marshal(jose.JSONWebKey{Key: k.Public})
	if err != nil {
		return ""
	}
	var jwk struct {
		Kty string `json:"kty"`
	}
	if json.Unmarshal(text, &jwk) != nil {
		return ""
	}
	return map[string]string{"EC": "ES256", "OKP": "EdDSA", "RSA": "RS256"}[jwk.Kty]
}

// The table in the document is what happens today, with today's versions.
func TestAttackTable(t *testing.T) {
	t.Parallel()
	results := make([][]ssotest.Result, len(contestants))
	for i, c := range contestants {
		var err error
		results[i], err = ssotest.Check(t.Context(), c.cfg)
		require.NoError(t, err)
	}
	for _, r := range results[len(results)-1] {
		require.True(t, r.Passed(), "ours: %s", r.Name)
	}
	doc, err := os.ReadFile(attacksDoc)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(doc), tableBegin)
	require.True(t, ok, "the document has no %q", tableBegin)
	was, after, ok := strings.Cut(rest, tableEnd)
	require.True(t, ok, "the document has no %q", tableEnd)
	is := attackTable(t, results)
	if os.Getenv(writeDocs) != "" {
		require.NoError(t, os.WriteFile(attacksDoc, []byte(before+tableBegin+is+tableEnd+after), 0o600))
		return
	}
	require.Equal(t, is, was, "run the test with %s=1 to write the table anew", writeDocs)
}

func attackTable(t *testing.T, results [][]ssotest.Result) string {
	var out strings.Builder
	fmt.Fprintf(&out, "With golang-jwt %s and go-jose %s:\n\n", required(t, "github.com/golang-jwt/jwt/v5"), required(t, "github.com/go-jose/go-jose/v4"))
	out.WriteString("| | Attacks that got through | Laxness | Good tokens refused | Not tried |\n|---|---|---|---|---|\n")
	for i, c := range contestants {
		harm, of, skipped := map[ssotest.Severity]int{}, map[ssotest.Severity]int{}, 0
		for _, r := range results[i] {
			if r.Outcome == ssotest.NotTried {
				skipped++
				continue
			}
			harm[r.Harm()]++
			of[r.Severity]++
		}
		fmt.Fprintf(&out, "| %s | %d | %d | %d of %d | %d of %d |\n", c.name, harm[ssotest.Attack], harm[ssotest.Lax], harm[ssotest.Good], of[ssotest.Good], skipped, len(results[i]))
	}
	out.WriteString("\nThe cases that somebody failed; an attack that got through is in bold:\n\n| Case |")
	for _, c := range contestants {
		fmt.Fprintf(&out, " %s |", c.name)
	}
	out.WriteString("\n|---|" + strings.Repeat("---|", len(contestants)) + "\n")
	for n, first := range results[0] {
		var row strings.Builder
		failed := false
		for i := range contestants {
			r := results[i][n]
			require.Equal(t, first.Name, r.Name)
			failed = failed || !r.Passed()
			text := string(r.Outcome)
			if r.Harm() == ssotest.Attack {
				text = "**" + text + "**"
			}
			fmt.Fprintf(&row, " %s |", text)
		}
		if failed {
			fmt.Fprintf(&out, "| `%s` |%s\n", first.Name, row.String())
		}
	}
	return out.String()
}

// required is the version of a module in this module's go.mod.
func required(t *testing.T, module string) string {
	text, err := os.ReadFile("../go.mod")
	require.NoError(t, err)
	found := regexp.MustCompile(regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(text)
	require.NotNil(t, found, module)
	return string(found[1])
}
