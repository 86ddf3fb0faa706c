package muxroutes_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/mux"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/muxroutes"
	"github.com/amsbridge/amsbridge/cartlink"
	"github.com/amsbridge/amsbridge/handoff"
	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssoverify"
)

type cart struct{}

func (cart) Set(http.ResponseWriter, *http.Request, amsbridge.Product, int) (cartlink.SetResult, error) {
	return cartlink.Set, nil
}

func quiet(context.Context, amsbridge.SSOEvent) {}

// everything is a shop's configuration with every handler.
func everything(t testing.TB) muxroutes.Config {
	t.Helper()
	key, err := ssokeys.Generate(ssokeys.EdDSA)
	require.NoError(t, err)
	ring, err := ssokeys.NewRing(ssokeys.RingConfig{Keys: []ssokeys.RingKey{{Key: key}}})
	require.NoError(t, err)
	sso, err := amsbridge.NewSSO(amsbridge.SSOConfig{
		Issuer: "https://shop.example.org", Audit: quiet,
		Audiences: []amsbridge.Audience{{Name: "elevate", Audience: "https://learn.example.org", Keys: ring}},
	})
	require.NoError(t, err)
	state, err := ssokeys.Generate(ssokeys.HS256)
	require.NoError(t, err)
	handOffs, err := handoff.New(handoff.Config{
		SSO: sso, SignIn: "/sign-in", StateKey: state.Secret, Audit: quiet,
		PerUser: 1_000_000,
		CurrentUser: func(r *http.Request) (amsbridge.User, error) {
			if r.Header.Get("X-Member") == "" {
				return amsbridge.User{}, amsbridge.ErrSignedOut
			}
			return amsbridge.User{ID: "U-1"}, nil
		},
		Platforms: []handoff.Platform{{Name: "elevate", URL: "https://learn.example.org/in"}},
	})
	require.NoError(t, err)
	sessions, err := ssoverify.NewSessions(ssoverify.SessionsConfig{
		Issuer: "https://shop.example.org", Audience: "https://learn.example.org", KeySource: ring, Audit: quiet,
		Alive: func(context.Context, amsbridge.UserID, string) (bool, error) { return true, nil },
	})
	require.NoError(t, err)
	validator, err := handoff.NewValidator(handoff.ValidatorConfig{
		Sessions: sessions, Caller: func(*http.Request) error { return nil },
		UserInfo: func(context.Context, amsbridge.UserID) (amsbridge.User, error) { return amsbridge.User{}, nil },
	})
	require.NoError(t, err)
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{
		Products: []amsbridge.Product{{ID: "course", RemoteProductID: "C-1"}},
	})
	require.NoError(t, err)
	links, err := cartlink.New(cartlink.Config{
		BaseURL: "https://shop.example.org/amsbridge/buy", Cart: cart{}, Catalog: catalog, CartPage: "/cart",
		Policy: cartlink.AlwaysAdd, LaxCookie: true,
	})
	require.NoError(t, err)
	authorize := func(r *http.Request) error {
		if r.Header.Get("X-Staff") == "" {
			return errors.New("no staff")
		}
		return nil
	}
	staff, err := cartlink.NewStaffList(cartlink.StaffListConfig{Links: links, Catalog: catalog, Authorize: authorize})
	require.NoError(t, err)
	return muxroutes.Config{HandOffs: handOffs, Validator: validator, Cart: links, StaffList: staff}
}

// asked is a request, and the answer that every router must give.
type asked struct {
	method, target string
	header         string
	status         int
	location       string
	allow          string
}

var table = []asked{
	{"GET", "/amsbridge/hand-off?to=elevate", "X-Member", 200, "", ""},
	{"HEAD", "/amsbridge/hand-off?to=elevate", "X-Member", 204, "", ""},
	{"GET", "/amsbridge/hand-off?to=nowhere", "X-Member", 404, "", ""},
	{"POST", "/amsbridge/hand-off?to=elevate", "X-Member", 405, "", "GET, HEAD"},
	{"OPTIONS", "/amsbridge/hand-off", "", 405, "", "GET, HEAD"},
	{"GET", "/amsbridge/sign-out", "X-Member", 200, "", ""},
	{"HEAD", "/amsbridge/sign-out", "X-Member", 200, "", ""},
	{"POST", "/amsbridge/sign-out", "X-Member", 403, "", ""},
	{"GET", "/amsbridge/sign-out", "", 303, "/", ""},
	{"PUT", "/amsbridge/sign-out", "X-Member", 405, "", "GET, HEAD, POST"},
	{"POST", "/amsbridge/validate", "", 415, "", ""},
	{"GET", "/amsbridge/validate?token=x", "", 405, "", "POST"},
	{"HEAD", "/amsbridge/validate", "", 405, "", "POST"},
	{"GET", "/amsbridge/buy?product=course", "", 303, "/cart", ""},
	{"HEAD", "/amsbridge/buy?product=course", "", 204, "", ""},
	{"GET", "/amsbridge/buy?product=none", "", 404, "", ""},
	{"DELETE", "/amsbridge/buy?product=course", "", 405, "", "GET, HEAD, POST"},
	{"GET", "/amsbridge/products.csv", "X-Staff", 200, "", ""},
	{"HEAD", "/amsbridge/products.csv", "X-Staff", 200, "", ""},
	{"GET", "/amsbridge/products.csv", "", 403, "", ""},
	{"POST", "/amsbridge/products.csv", "X-Staff", 405, "", "GET, HEAD"},
	{"GET", "/amsbridge/jwks.json", "", 404, "", ""}, // not configured
	{"GET", "/amsbridge", "", 404, "", ""},
	{"GET", "/amsbridge/", "", 404, "", ""},
	{"GET", "/amsbridge/hand-off/", "X-Member", 404, "", ""},
	{"GET", "/amsbridge/HAND-OFF", "X-Member", 404, "", ""},
	{"GET", "/nowhere", "", 404, "", ""},
	{"POST", "/nowhere", "", 404, "", ""},
	{"GET", "//evil.example/", "", 404, "", ""},
	{"GET", "//evil.example/..", "", 404, "", ""},
	{"GET", "/%2fevil.example/", "", 404, "", ""},
	{"GET", "/%5cevil.example/", "", 404, "", ""},
	{"GET", "/%09/evil.example/", "", 404, "", ""},
}

func TestRouterTableIsTheSameOnBothRouters(t *testing.T) {
	t.Parallel()
	cfg := everything(t)
	gorilla, err := muxroutes.Mount(mux.NewRouter(), cfg)
	require.NoError(t, err)
	all, err := cfg.Handlers()
	require.NoError(t, err)
	std := http.NewServeMux()
	for path, h := range all {
		std.Handle(path, h)
	}
	for name, h := range map[string]http.Handler{"gorilla": gorilla, "net/http": muxroutes.Guard(std)} {
		for _, c := range table {
			rec := c.ask(t, h)
			require.Equal(t, c.status, rec.Code, "%s: %s %s", name, c.method, c.target)
			require.Equal(t, c.location, rec.Header().Get("Location"), "%s: %s %s", name, c.method, c.target)
			require.Equal(t, c.allow, rec.Header().Get("Allow"), "%s: %s %s", name, c.method, c.target)
			require.Equal(t, "nosniff", rec.Header().Get("X-Content-Type-Options"),
				"%s: %s %s", name, c.method, c.target)
			require.Equal(t, "DENY", rec.Header().Get("X-Frame-Options"), "%s: %s %s", name, c.method, c.target)
			require.NotEmpty(t, rec.Header().Get("Referrer-Policy"))
		}
	}
}

// ask sends exactly the target's bytes, which a parser would clean.
func (c asked) ask(t testing.TB, h http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(c.method, "/", nil)
	path, query, _ := strings.Cut(c.target, "?")
	decoded, err := url.PathUnescape(path)
	require.NoError(t, err)
	r.RequestURI, r.URL = c.target, &url.URL{Path: decoded, RawPath: path, RawQuery: query}
	if c.header != "" {
		r.Header.Set(c.header, "1")
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

// Without the guard gorilla/mux redirects a browser to another host; with it no configuration does.
func TestRouterSendsNobodyToAnotherHost(t *testing.T) {
	t.Parallel()
	setUps := map[string]func() *mux.Router{
		"plain":        mux.NewRouter,
		"strict slash": func() *mux.Router { return mux.NewRouter().StrictSlash(true) },
		"skip clean":   func() *mux.Router { return mux.NewRouter().StrictSlash(true).SkipClean(true) },
		"encoded":      func() *mux.Router { return mux.NewRouter().StrictSlash(true).UseEncodedPath() },
		"both":         func() *mux.Router { return mux.NewRouter().StrictSlash(true).SkipClean(true).UseEncodedPath() },
	}
	away := 0
	for name, newRouter := range setUps {
		r := newRouter()
		r.PathPrefix("/").Path("/{any:.*}/").HandlerFunc(func(http.ResponseWriter, *http.Request) {}) // a page of the shop's own
		guarded, err := muxroutes.Mount(r, everything(t))
		require.NoError(t, err)
		for _, target := range []string{
			"//evil.example", "//evil.example/x", "/%2fevil.example", "/%2Fevil.example/x", "/%5cevil.example",
			"/\\evil.example", "/%09/evil.example", "///evil.example", "/..//evil.example", "/a/..//evil.example",
		} {
			c := asked{method: "GET", target: target}
			if leads(c.ask(t, r).Header().Get("Location")) {
				away++
			}
			require.False(t, leads(c.ask(t, guarded).Header().Get("Location")), "%s: %s", name, target)
		}
	}
	require.NotZero(t, away, "the trap is there: without the guard the router leads away")
}

func leads(location string) bool {
	location = strings.NewReplacer("\\", "/", "\t", "", "\n", "", "\r", "").Replace(location)
	return strings.HasPrefix(location, "//") || strings.Contains(location, "://")
}

func TestConfigNamesTheBadField(t *testing.T) {
	t.Parallel()
	for field, c := range map[string]muxroutes.Config{
		"Config":           {},
		"Config.Prefix":    {Prefix: "/", JWKS: http.NotFoundHandler()},
		"Config.JWKS":      {JWKS: http.HandlerFunc(nil)},
		"Config.StaffList": {StaffList: (*handoff.Validator)(nil)},
	} {
		_, err := c.Handlers()
		var input *amsbridge.InputError
		require.ErrorAs(t, err, &input)
		require.Equal(t, field, input.Field)
		require.Equal(t, "muxroutes", input.Package)
		_, err = muxroutes.Mount(mux.NewRouter(), c)
		require.ErrorAs(t, err, &input)
	}
	for _, prefix := range []string{"x", "/A", "/a/b", "/a b", "//", "/{x}"} {
		_, err := muxroutes.Config{Prefix: prefix, JWKS: http.NotFoundHandler()}.Handlers()
		require.Error(t, err, prefix)
	}
	_, err := muxroutes.Mount(nil, everything(t))
	require.ErrorContains(t, err, "router")
	all, err := muxroutes.Config{Prefix: "/sso", JWKS: http.NotFoundHandler()}.Handlers()
	require.NoError(t, err)
	require.Contains(t, all, "/sso/jwks.json")
}

// FuzzGuard: whatever the target, no answer leads to another host.
func FuzzGuard(f *testing.F) {
	for _, c := range table {
		f.Add(c.target)
	}
	f.Add("/a//evil.example/..")
	f.Add("/ ?#qqq,q%") // gorilla/mux 1.8.1 panics over it
	cfg := everything(f)
	r := mux.NewRouter().StrictSlash(true).SkipClean(true)
	r.Path("/{any:.*}/").HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	h, err := muxroutes.Mount(r, cfg)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") || !strings.HasPrefix(u.Path, "/") {
			return // no server passes such a request on
		}
		require.False(t, leads(asked{method: "GET", target: target}.ask(t, h).Header().Get("Location")))
	})
}
