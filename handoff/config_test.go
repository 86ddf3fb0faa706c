package handoff

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

func TestNewNamesTheBadField(t *testing.T) {
	t.Parallel()
	platform := func(i int, change func(*Platform)) func(*Config) {
		return func(c *Config) { change(&c.Platforms[i]) }
	}
	var noCatalog *amsbridge.StaticCatalog
	var noTickets *env
	for _, c := range []struct {
		field  string
		change func(*Config)
	}{
		{"Config.Platforms", func(c *Config) { c.Platforms = nil }},
		{"Config.SSO", func(c *Config) { c.SSO = nil }},
		{"Config.CurrentUser", func(c *Config) { c.CurrentUser = nil }},
		{"Config.SessionID", func(c *Config) { c.SessionID = nil }},
		{"Config.SignIn", func(c *Config) { c.SignIn = "" }},
		{"Config.SignIn", func(c *Config) { c.SignIn = "//evil.example" }},
		{"Config.SignIn", func(c *Config) { c.SignIn = "javascript:alert(1)" }},
		{"Config.SignedOut", func(c *Config) { c.SignedOut = "https://elsewhere.example" }},
		{"Config.StateKey", func(c *Config) { c.StateKey = c.StateKey[:31] }},
		{"Config.StateKey", func(c *Config) { c.StateKey = make([]byte, 32) }},
		{"Config.Standing", func(c *Config) { c.Standing = nil }},
		{"Config.Catalog", func(c *Config) { c.Catalog = nil }},
		{"Config.Catalog", func(c *Config) { c.Catalog = noCatalog }},
		{"Config.Catalog", func(c *Config) { c.Catalog, c.Platforms = noCatalog, c.Platforms[1:2] }},
		{"Config.PerUser", func(c *Config) { c.PerUser = -1 }},
		{"Config.Pages.Stylesheet", func(c *Config) { c.Pages.Stylesheet = "//cdn.example/x.css" }},
		{"Config.Platforms[0].Name", platform(0, func(p *Platform) { p.Name = "" })},
		{"Config.Platforms[0].Name", platform(0, func(p *Platform) { p.Name = "nobody" })},
		{"Config.Platforms[1].Name", platform(1, func(p *Platform) { p.Name = "elevate" })},
		{"Config.Platforms[0].Title", platform(0, func(p *Platform) { p.Title = "\n" })},
		{"Config.Platforms[0].URL", platform(0, func(p *Platform) { p.URL = "http://learn.example.org" })},
		{"Config.Platforms[0].URL", platform(0, func(p *Platform) { p.URL = "https://u:p@learn.example.org" })},
		{"Config.Platforms[0].Destination", platform(0, func(p *Platform) { p.Destination = "Elevate" })},
		{"Config.Platforms[3].Destination", platform(3, func(p *Platform) { p.Destination = "notified/acme" })},
		{"Config.Platforms[3].Destination", platform(0, func(p *Platform) { p.Destination = "elevate/acme" })},
		{"Config.Platforms[0].TokenParam", platform(0, func(p *Platform) { p.TokenParam = "a b" })},
		{"Config.Platforms[1].TellOrigin", platform(1, func(p *Platform) { p.TellOrigin = true })},
		{"Config.Platforms[0].Way", platform(0, func(p *Platform) { p.Way = 9 })},
		{"Config.Platforms[2].Cookie.Name", platform(2, func(p *Platform) { p.Cookie.Name = "__Host-ams" })},
		{"Config.Platforms[2].Cookie.Domain", platform(2, func(p *Platform) { p.Cookie.Domain = ".example.org" })},
		{"Config.Platforms[2].Cookie.Domain", platform(2, func(p *Platform) { p.Cookie.Domain = "example.com" })},
		{"Config.Platforms[2].Cookie.Domain", platform(2, func(p *Platform) { p.URL = "https://anexample.org" })},
		{"Config.Platforms[2].Cookie.Domain", platform(2, func(p *Platform) { p.URL = "http://localhost/" })},
		{"Config.Platforms[3].Tickets", platform(3, func(p *Platform) { p.Tickets = nil })},
		{"Config.Platforms[3].Tickets", platform(3, func(p *Platform) { p.Tickets = noTickets })},
	} {
		bad := newEnv(t, nil).cfg
		c.change(&bad)
		_, err := New(bad)
		var input *amsbridge.InputError
		require.ErrorAs(t, err, &input, c.field)
		require.Equal(t, c.field, input.Field)
		require.Equal(t, "handoff", input.Package)
	}
}

func TestNewNeedsNoSSOForTickets(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *Config) {
		c.SSO, c.SessionID, c.Standing, c.Platforms = nil, nil, nil, c.Platforms[3:]
		c.Platforms[0].Destination = ""
	})
	e.mint = func(amsbridge.UserID, amsbridge.Product) (string, error) { return events + "/in", nil }
	require.Equal(t, events+"/in", e.get("to=notified&product=dinner").Header().Get("Location"))
	require.Equal(t, http.StatusNotFound, e.get("to=elevate").Code)
	require.Equal(t, http.StatusOK, e.signOut(http.MethodGet, "").Code)
	require.Equal(t, http.StatusSeeOther, e.signOut(http.MethodPost, e.handlers.SignOutProof("U-1")).Code)
	rec := httptest.NewRecorder()
	e.handlers.Session(http.NotFoundHandler()).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	require.Empty(t, rec.Result().Cookies())
}

// Changing the configuration after New has no effect.
func TestNewCopiesTheConfiguration(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	proof := e.handlers.SignOutProof("U-1")
	for i := range e.cfg.Platforms {
		e.cfg.Platforms[i] = Platform{Name: "evil", URL: "https://evil.example"}
	}
	clear(e.cfg.StateKey)
	require.Contains(t, e.get("to=elevate").Body.String(), `action="`+learn+`/walk-in"`)
	require.Equal(t, http.StatusNotFound, e.get("to=evil").Code)
	rec := httptest.NewRecorder()
	e.handlers.Session(http.NotFoundHandler()).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	require.Equal(t, "__Secure-ams", rec.Result().Cookies()[0].Name)
	require.Equal(t, http.StatusSeeOther, e.signOut(http.MethodPost, proof).Code)
}

func TestHandlersPrintNoKey(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef-a-planted-state-key")
	e := newEnv(t, func(c *Config) { c.StateKey = key })
	cfg := e.cfg
	e.cfg = Config{} // the handlers read the test's own copy
	var out strings.Builder
	for _, v := range []any{cfg, &cfg, e.handlers, *e.handlers, e.handlers.state, *e.handlers.state} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, form := range []string{"%s", "%x", "%X", "%d", "%#v"} {
		printed := strings.Trim(fmt.Sprintf(form, key), "[]byte{}")
		require.False(t, strings.Contains(out.String(), printed[:20]), form)
	}
}
