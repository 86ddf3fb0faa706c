package amsbridge

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pull is a validator and what its callers can do to it.
type pull struct {
	w     *walkway
	alive bool
	info  error
	v     *Validator
}

const callerSecret = "0123456789abcdefghijklmnopqrstuv"

func newPull(t *testing.T, change func(*ValidatorConfig)) *pull {
	t.Helper()
	p := &pull{w: newWalkway(t, nil), alive: true}
	sessions, err := NewSessionVerifier(SessionVerifierConfig{
		Issuer: shop, Audience: "https://pull.example.org", KeySource: p.w.keys, Now: p.w.clock, Audit: quiet,
		Alive: func(context.Context, UserID, string) (bool, error) { return p.alive, nil },
	})
	require.NoError(t, err)
	caller, err := CallerSecret(callerSecret)
	require.NoError(t, err)
	cfg := ValidatorConfig{
		Sessions: sessions, Caller: caller, Now: p.w.clock,
		UserInfo: func(context.Context, UserID) (User, error) {
			return User{ID: "another", FirstName: "Ada", LastName: "Byron", Email: "ada@example.org", MemberType: "<fellow>"}, p.info
		},
	}
	if change != nil {
		change(&cfg)
	}
	p.v, err = NewValidator(cfg)
	require.NoError(t, err)
	return p
}

func (p *pull) token(audience string) string {
	token, err := p.w.sso.Session(p.w.t.Context(), audience, "U-1", "s-1")
	require.NoError(p.w.t, err)
	return token
}

func (p *pull) ask(method, target, kind, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer "+callerSecret)
	for _, c := range change {
		c(r)
	}
	rec := httptest.NewRecorder()
	p.v.ServeHTTP(rec, r)
	require.Equal(p.w.t, "no-store", rec.Header().Get("Cache-Control"))
	require.Equal(p.w.t, "application/json; charset=utf-8", rec.Header().Get("Content-Type"))
	return rec
}

const (
	form   = "application/x-www-form-urlencoded"
	asJSON = "application/json"
)

func (p *pull) post(token string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	return p.ask(http.MethodPost, "/validate", form, url.Values{"token": {token}}.Encode(), change...)
}

func TestValidateTellsWhoTheMemberIs(t *testing.T) {
	t.Parallel()
	p := newPull(t, nil)
	const want = `{"valid":true,"user_id":"U-1","first_name":"Ada","last_name":"Byron","email":"ada@example.org","member_type":"<fellow>"}`
	token := p.token("pull")
	for range 3 { // as often as the platform likes
		require.JSONEq(t, want, p.post(token).Body.String())
	}
	require.JSONEq(t, want, p.ask(http.MethodPost, "/", asJSON+"; charset=utf-8", `{"token":"`+token+`"}`).Body.String())

	named := newPull(t, func(c *ValidatorConfig) {
		c.Fields, c.TokenParam, c.AllowQuery = &UserFields{UserID: "UniqueUserID", Email: "mail"}, "t", true
	})
	got := named.ask(http.MethodGet, "/?t="+named.token("pull"), "", "")
	require.JSONEq(t, `{"valid":true,"UniqueUserID":"U-1","mail":"ada@example.org"}`, got.Body.String())
}

func TestValidateRefuses(t *testing.T) {
	t.Parallel()
	p := newPull(t, nil)
	good := p.token("pull")
	handOff, err := p.w.sso.HandOff(t.Context(), HandOffRequest{Audience: "pull", User: p.w.user})
	require.NoError(t, err)
	no := func(status int, rec *httptest.ResponseRecorder, what string) {
		t.Helper()
		require.Equal(t, status, rec.Code, what)
		require.JSONEq(t, `{"valid":false}`, rec.Body.String(), what)
	}
	no(http.StatusUnauthorized, p.post(handOff), "a hand-off")
	no(http.StatusUnauthorized, p.post(p.token("elevate")), "another audience's session")
	no(http.StatusUnauthorized, p.post(good+"x"), "garbled")
	no(http.StatusUnauthorized, p.post(strings.Repeat(".", 9000)), "long")
	for what, change := range map[string]func(*http.Request){
		"no proof":     func(r *http.Request) { r.Header.Del("Authorization") },
		"wrong proof":  func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+callerSecret+"x") },
		"basic":        func(r *http.Request) { r.SetBasicAuth("", callerSecret) },
		"two headers":  func(r *http.Request) { r.Header.Add("Authorization", "Bearer "+callerSecret) },
		"empty secret": func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") },
	} {
		no(http.StatusForbidden, p.post(good, change), what)
	}
	no(http.StatusMethodNotAllowed, p.ask(http.MethodGet, "/?token="+good, "", ""), "GET")
	no(http.StatusMethodNotAllowed, p.ask(http.MethodPut, "/", form, "token="+good), "PUT")
	no(http.StatusUnsupportedMediaType, p.ask(http.MethodPost, "/", "text/plain", "token="+good), "text")
	for _, body := range []string{"", "token=", "token=a&token=b", "token=%zz", "token=" + strings.Repeat("x", 3*MaxToken)} {
		no(http.StatusBadRequest, p.ask(http.MethodPost, "/", form, body), "form")
	}
	no(http.StatusBadRequest, p.ask(http.MethodPost, "/?token="+good, form, ""), "in the query of a POST")
	for _, body := range []string{"", "{}", "[]", `{"token":1}`, `{"token":"a","token":"` + good + `"}`, `{"Token":"` + good + `"}`, `{"token":"` + good + `"}{}`} {
		no(http.StatusBadRequest, p.ask(http.MethodPost, "/", asJSON, body), body)
	}
	p.info = errors.New("planted")
	no(http.StatusServiceUnavailable, p.post(good), "no user info")
	p.info, p.alive = nil, false
	no(http.StatusUnauthorized, p.post(good), "after the sign-out")
	p.alive = true
	require.NoError(t, p.w.keys.Revoke(p.w.keys.Keys()[0].ID))
	no(http.StatusUnauthorized, p.post(good), "a revoked key")
}

func TestValidateAThousandTimesASecond(t *testing.T) {
	t.Parallel()
	p := newPull(t, nil)
	token, counts := p.token("pull"), map[int]int{}
	for range 1300 {
		counts[p.post(token).Code]++
	}
	require.Equal(t, map[int]int{http.StatusOK: 1200, http.StatusTooManyRequests: 100}, counts)
	require.Equal(t, http.StatusOK, p.post(token, func(r *http.Request) { r.RemoteAddr = "198.51.100.7:1" }).Code)
	p.w.now = p.w.now.Add(time.Second)
	require.Equal(t, http.StatusOK, p.post(token).Code)
}

func TestNewValidatorNamesTheBadField(t *testing.T) {
	t.Parallel()
	good := newPull(t, nil).v.cfg
	for field, change := range map[string]func(*ValidatorConfig){
		"sessions":            func(c *ValidatorConfig) { c.Sessions = nil },
		"user info":           func(c *ValidatorConfig) { c.UserInfo = nil },
		"caller":              func(c *ValidatorConfig) { c.Caller = nil },
		"insecure any caller": func(c *ValidatorConfig) { c.InsecureAnyCaller = true },
		"fields.user ID":      func(c *ValidatorConfig) { c.Fields = &UserFields{} },
		"per address":         func(c *ValidatorConfig) { c.PerAddress = -1 },
	} {
		cfg := good
		change(&cfg)
		_, err := NewValidator(cfg)
		var input *InputError
		require.ErrorAs(t, err, &input, field)
		require.Equal(t, field, input.Field)
	}
	good.Caller, good.InsecureAnyCaller = nil, true
	_, err := NewValidator(good)
	require.NoError(t, err, "by name")
	for _, weak := range []string{"", "short", strings.Repeat("a", 64)} {
		_, err := CallerSecret(weak)
		require.Error(t, err, "%q", weak)
	}
}

func TestNewHandOffsNamesTheBadField(t *testing.T) {
	t.Parallel()
	platform := func(i int, change func(*Platform)) func(*HandOffsConfig) {
		return func(c *HandOffsConfig) { change(&c.Platforms[i]) }
	}
	for _, c := range []struct {
		field  string
		change func(*HandOffsConfig)
	}{
		{"platforms", func(c *HandOffsConfig) { c.Platforms = nil }},
		{"current user", func(c *HandOffsConfig) { c.CurrentUser = nil }},
		{"sign in", func(c *HandOffsConfig) { c.SignIn = "" }},
		{"sign in", func(c *HandOffsConfig) { c.SignIn = "//evil.example" }},
		{"sign in", func(c *HandOffsConfig) { c.SignIn = "javascript:alert(1)" }},
		{"signed out", func(c *HandOffsConfig) { c.SignedOut = "https://elsewhere.example" }},
		{"state key", func(c *HandOffsConfig) { c.StateKey = c.StateKey[:31] }},
		{"state key", func(c *HandOffsConfig) { c.StateKey = make([]byte, 32) }},
		{"per user", func(c *HandOffsConfig) { c.PerUser = -1 }},
		{"per address", func(c *HandOffsConfig) { c.PerAddress = -1 }},
		{"pages.stylesheet", func(c *HandOffsConfig) { c.Pages.Stylesheet = "//cdn.example/x.css" }},
		{"platforms[0].name", platform(0, func(p *Platform) { p.Name = "" })},
		{"platforms[0].name", platform(0, func(p *Platform) { p.Name = "nobody" })},
		{"platforms[1].name", platform(1, func(p *Platform) { p.Name = "elevate" })},
		{"platforms[0].URL", platform(0, func(p *Platform) { p.URL = "http://learn.example.org" })},
		{"platforms[0].URL", platform(0, func(p *Platform) { p.URL = "https://u:p@learn.example.org" })},
		{"platforms[0].token param", platform(0, func(p *Platform) { p.TokenParam = "a b" })},
		{"platforms[0].way", platform(0, func(p *Platform) { p.Way = 9 })},
		{"platforms[0].destination", func(c *HandOffsConfig) { c.Standing = nil }},
		{"platforms[0].destination", func(c *HandOffsConfig) { c.Catalog = nil }},
		{"platforms[2].cookie", platform(2, func(p *Platform) { p.Cookie.Name = "__Host-ams" })},
		{"platforms[2].cookie", platform(2, func(p *Platform) { p.Cookie.Domain = ".example.org" })},
		{"platforms[2].cookie", platform(2, func(p *Platform) { p.Cookie.Domain = "example.com" })},
		{"platforms[2].way", func(c *HandOffsConfig) { c.SessionID = nil }},
		{"platforms[3].tickets", platform(3, func(p *Platform) { p.Tickets = nil })},
	} {
		var err error
		newWalkway(t, func(cfg *HandOffsConfig) {
			bad := *cfg
			bad.Platforms = append([]Platform(nil), cfg.Platforms...)
			c.change(&bad)
			_, err = NewHandOffs(bad)
		})
		var input *InputError
		require.ErrorAs(t, err, &input, c.field)
		require.Equal(t, c.field, input.Field)
	}
}
