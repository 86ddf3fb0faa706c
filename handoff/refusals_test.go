package handoff

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// What mailing programs and trackers add to a link is ignored, whatever it looks like.
func TestHandOffIgnoresForeignParameters(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	for _, foreign := range []string{"utm_campaign=50%off", "utm_content=a;b", "amp;return_to=/x", "%zz=%", "nonces=%00", "\xff"} {
		rec := e.get("to=elevate&" + foreign + "&return_to=/c&" + foreign)
		require.Equal(t, http.StatusOK, rec.Code, foreign)
		require.Equal(t, "/c", e.verify(learn, fields(rec)["token"]).ReturnTo, foreign)
	}
}

// What will be refused the next time too is not answered by "try again".
func TestHandOffErrorsThatWillNotPassSaySo(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	for _, query := range []string{
		"to=elevate&nonce=" + strings.Repeat("n", amsbridge.MaxNonce+1), "to=elevate&nonce=a%0ab", "to=query&nonce=%ff",
		"to=notified&product=dinner&nonce=%00", "to=elevate&state=%00",
	} {
		rec := e.get(query)
		require.Equal(t, http.StatusBadRequest, rec.Code, query)
		require.NotContains(t, strings.ToLower(rec.Body.String()), "try again", query)
	}
	for _, product := range []string{"%00", "%ff", strings.Repeat("x", 100_000), "a%0ab"} {
		rec := e.get("to=elevate&product=" + product)
		require.Equal(t, http.StatusNotFound, rec.Code, "%.20s", product)
		require.NotContains(t, strings.ToLower(rec.Body.String()), "try again")
	}
	require.Equal(t, http.StatusNotFound, e.get("to=notified&product="+strings.Repeat("x", 256)).Code)
	for what, c := range map[string]struct {
		query  string
		change func()
	}{
		"a name with a line feed":  {"to=profile", func() { e.user.FirstName = "A\nda" }},
		"a name of 256 bytes":      {"to=profile", func() { e.user.FirstName = strings.Repeat("a", 256) }},
		"a name that is not UTF-8": {"to=profile", func() { e.user.FirstName = "\xff" }},
		"a session without an ID":  {"to=pull", func() { e.session = "" }},
		"a session with a long ID": {"to=pull", func() { e.session = strings.Repeat("s", 256) }},
	} {
		e = newEnv(t, func(c *Config) {
			key, err := ssokeys.Generate(ssokeys.EdDSA)
			require.NoError(t, err)
			c.SSO, err = amsbridge.NewSSO(amsbridge.SSOConfig{Issuer: shop, Audit: quiet, Audiences: []amsbridge.Audience{
				{Name: "profile", Audience: learn, Key: key, Claims: amsbridge.ProfileClaims{FirstName: "first_name"}},
				{Name: "pull", Audience: "https://pull.example.org", Key: key},
			}})
			require.NoError(t, err)
			c.Platforms = []Platform{{Name: "profile", URL: learn}, c.Platforms[2]}
		})
		require.Less(t, e.get(c.query).Code, 400, what)
		c.change()
		rec := e.get(c.query)
		require.Equal(t, http.StatusForbidden, rec.Code, what)
		require.Contains(t, rec.Body.String(), "trying again does not help", what)
		require.Contains(t, rec.Body.String(), "Please ask us", what)
	}
}

// refusingCatalog says that no text is a product's ID, as a catalogue of numbers does of a word.
type refusingCatalog struct{ amsbridge.Catalog }

func (refusingCatalog) Lookup(context.Context, string) (amsbridge.Product, amsbridge.Offering, error) {
	bad := &amsbridge.InputError{Package: "shop", Field: "productID", Problem: "is not a number"}
	return amsbridge.Product{}, amsbridge.NotOffered, fmt.Errorf("the shop: %w", bad)
}

// What the catalogue says is no product is not answered by "try again".
func TestHandOffOfWhatIsNoProductsID(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *Config) { c.Catalog = refusingCatalog{} })
	for _, to := range []string{"elevate", "notified", "pull", "query"} {
		rec := e.get("to=" + to + "&product=not-a-number")
		require.Equal(t, http.StatusNotFound, rec.Code, to)
		require.NotContains(t, strings.ToLower(rec.Body.String()), "try again", to)
	}
}
