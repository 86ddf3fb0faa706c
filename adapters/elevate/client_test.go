package elevate_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
)

const (
	key       = "planted+key/4711"
	email     = "quintessa.o'malley@example.org"
	firstName = "Quintessa"
	lastName  = "O'Malley-Ångström"
	userID    = "U-abc&é;%"
)

// grant returns a grant of a product.
func grant(change func(*amsbridge.Grant)) amsbridge.Grant {
	g := amsbridge.Grant{
		Key: "key-1", OrderID: "order-1", LineID: "line-1",
		User: amsbridge.User{ID: userID, FirstName: firstName, LastName: lastName, Email: email},
		Item: amsbridge.Item{RemoteProductID: "COURSE-1"},
	}
	if change != nil {
		change(&g)
	}
	return g
}

func config(endpoint string) elevate.Config {
	return elevate.Config{
		AllowLoopbackHTTP: true, Credentials: elevate.Key(key), Endpoint: endpoint,
		Profile: elevate.GuessedProfile(), SendConfirmation: true, Version: "1.2.3",
	}
}

// nobody is an address where nobody listens. The port of a closed server may already be another's.
const nobody = "http://127.0.0.1:1"

func newClient(t *testing.T, cfg elevate.Config) *elevate.Client {
	t.Helper()
	c, err := elevate.New(cfg)
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestNewNamesTheField(t *testing.T) {
	t.Parallel()
	profile := func(change func(*elevate.Profile)) func(*elevate.Config) {
		return func(c *elevate.Config) { change(c.Profile) }
	}
	for _, c := range []struct {
		field  string
		change func(*elevate.Config)
	}{
		{"Config.Profile", func(c *elevate.Config) { c.Profile = nil }},
		{"Config.Profile.Name", func(c *elevate.Config) { c.Profile = &elevate.Profile{} }},
		{"Config.Profile.Auth", profile(func(p *elevate.Profile) { p.Auth = "none" })},
		{"Config.Profile.AuthField", profile(func(p *elevate.Profile) { p.AuthField = "" })},
		{"Config.Profile.AuthField", profile(func(p *elevate.Profile) { p.AuthField = p.Email })},
		{"Config.Profile.AuthField", profile(func(p *elevate.Profile) { p.Auth, p.AuthField = elevate.AuthHeader, "X Key" })},
		{"Config.Profile.AuthField", profile(func(p *elevate.Profile) { p.Auth, p.AuthField = elevate.AuthHeader, "idempotency-key" })},
		{"Config.Profile.UserID", profile(func(p *elevate.Profile) { p.UserID = "" })},
		{"Config.Profile.UserID", profile(func(p *elevate.Profile) { p.UserID = "user..id" })},
		{"Config.Profile.UserID", profile(func(p *elevate.Profile) { p.UserID = p.Email + ".id" })},
		{"Config.Profile.Confirmation", profile(func(p *elevate.Profile) { p.Confirmation = "" })},
		{"Config.Profile.ConfirmationOn", profile(func(p *elevate.Profile) { p.ConfirmationOn = nil })},
		{"Config.Profile.ConfirmationOff", profile(func(p *elevate.Profile) { p.ConfirmationOff = json.RawMessage("{") })},
		{"Config.Profile.ProductURL", profile(func(p *elevate.Profile) { p.ProductURL = "" })},
		{"Config.Profile.Errors[1]", profile(func(p *elevate.Profile) { p.Errors[1] = "." })},
		{`Config.Profile.Extra["site"]`, profile(func(p *elevate.Profile) { p.Extra = map[string]json.RawMessage{"site": nil} })},
		{`Config.Profile.Extra["email"]`, profile(func(p *elevate.Profile) {
			p.Extra = map[string]json.RawMessage{"email": json.RawMessage("1")}
		})},
		{"Config.Credentials", func(c *elevate.Config) { c.Credentials = elevate.Credentials{} }},
		{"Config.Credentials", func(c *elevate.Config) { c.Credentials = elevate.Key("") }},
		{"Config.Credentials", func(c *elevate.Config) { c.Credentials = elevate.Key("a\nb") }},
		{"Config.Credentials", func(c *elevate.Config) { c.Credentials = elevate.UserPassword("u", "p") }},
		{"Config.Credentials", profile(func(p *elevate.Profile) { p.Auth = elevate.AuthBasic })},
		{"Config.Credentials", func(c *elevate.Config) {
			c.Profile.Auth, c.Credentials = elevate.AuthBasic, elevate.UserPassword("a:b", "p")
		}},
		{"Config.Endpoint", func(c *elevate.Config) { c.Endpoint = "" }},
		{"Config.Endpoint", func(c *elevate.Config) { c.Endpoint = "http://elevate.example.org/api" }},
		{"Config.Endpoint", func(c *elevate.Config) { c.AllowLoopbackHTTP = false }},
		{"Config.AllowedHosts[1]", func(c *elevate.Config) { c.AllowedHosts = []string{"a.example.org", "https://b.example.org"} }},
		{"Config.AllowedHosts[0]", func(c *elevate.Config) { c.AllowedHosts = []string{"*.example.org"} }},
		{"Config.AllowedHosts[0]", func(c *elevate.Config) { c.AllowedHosts = []string{"a@b.example.org"} }},
		{"Config.MaxBody", func(c *elevate.Config) { c.MaxBody = 1 << 30 }},
		{"Config.Concurrency", func(c *elevate.Config) { c.Concurrency = -1 }},
	} {
		cfg := config("http://127.0.0.1:1/api")
		c.change(&cfg)
		_, err := elevate.New(cfg)
		var bad *amsbridge.InputError
		require.ErrorAs(t, err, &bad, c.field)
		require.Equal(t, "elevate", bad.Package)
		require.Equal(t, c.field, bad.Field)
		require.NotContains(t, err.Error(), key)
	}
}

func TestNewWithoutProfileSaysWhereOneComesFrom(t *testing.T) {
	t.Parallel()
	_, err := elevate.New(elevate.Config{})
	for _, what := range []string{
		"public page", "docs/connect-elevate.md", "credentials", "Unique User ID", "Remote Product ID", "confirmation", "success", "error", "Product URL", "GuessedProfile()",
	} {
		require.ErrorContains(t, err, what)
	}
}

// Changing a profile after New has no effect, and one read from JSON keeps the fields that the JSON
// does not name.
func TestProfileIsCopiedAndOverridden(t *testing.T) {
	t.Parallel()
	var got map[string]any
	cfg := config(serve(t, func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = w.Write([]byte(`{"success":1}`))
	}))
	require.NoError(t, json.Unmarshal([]byte(`{
		"name": "from a page", "auth": "bearer", "email": "user.mail", "user_id": "user.id",
		"confirmation_on": "Y", "confirmation_off": "N", "extra": {"site.code": 7}
	}`), cfg.Profile))
	c := newClient(t, cfg)
	cfg.Profile.FirstName, cfg.Profile.ConfirmationOn[1] = "x", 'X'
	cfg.Profile.Extra["site.code"][0] = '8'
	_, err := c.Give(t.Context(), grant(nil))
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"firstname": firstName, "lastname": lastName, "remote_product_id": "COURSE-1", "send_confirmation_email": "Y",
		"user": map[string]any{"mail": email, "id": userID}, "site": map[string]any{"code": 7.0},
	}, got)
}

func TestNothingShowsTheCredentials(t *testing.T) {
	t.Parallel()
	type nested struct{ inner any }
	cfg := config("https://elevate.example.org/api")
	c := newClient(t, cfg)
	for _, v := range []any{cfg, &cfg, cfg.Credentials, c, *c, nested{cfg}, nested{c}, nested{*c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
			text := fmt.Sprintf(verb, v)
			require.NotContains(t, text, key)
			require.NotContains(t, text, fmt.Sprintf("%x", key))
		}
	}
	b, err := json.Marshal(struct{ C elevate.Credentials }{cfg.Credentials})
	require.NoError(t, err)
	require.NotContains(t, string(b), key)
}
