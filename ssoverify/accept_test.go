package ssoverify

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/pages"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// platform is a receiver, and the shop that hands members over to it.
type platform struct {
	sso   *amsbridge.SSO
	keys  *ssokeys.Ring
	enter http.Handler
	came  []HandOff
	state string // of the last one
}

func newPlatform(t *testing.T, cfg AcceptConfig) *platform {
	t.Helper()
	p := &platform{}
	p.sso, p.keys = ringSSO(t, keytest.Time, ssokeys.RingKey{Key: keytest.Generated(t, ssokeys.EdDSA, "k1")})
	v, err := New(Config{
		Issuer: shop, Audience: elevate, KeySource: p.keys, Replay: NewMemoryReplay(keytest.Time), Audit: quiet, Now: keytest.Time,
	})
	require.NoError(t, err)
	p.enter, err = v.Accept(cfg, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, ok := HandOffFrom(r.Context())
		require.True(t, ok)
		p.came = append(p.came, h)
		p.state = r.PostFormValue("state") + r.FormValue("state")
		http.Redirect(w, r, "/course", http.StatusSeeOther)
	}))
	require.NoError(t, err)
	return p
}

// handOff signs a token as the shop does.
func (p *platform) handOff(t *testing.T) string {
	t.Helper()
	token, err := p.sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: "U-1"}, Nonce: "n-1"})
	require.NoError(t, err)
	return token
}

func (p *platform) answer(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	p.enter.ServeHTTP(rec, r)
	return rec
}

func posted(body string, change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/walk-in", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	for _, c := range change {
		c(r)
	}
	return r
}

func TestAcceptLetsAMemberInOnce(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, AcceptConfig{})
	body := url.Values{"token": {p.handOff(t)}, "state": {"s"}}.Encode()
	rec := p.answer(posted(body))
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
	require.Len(t, p.came, 1)
	require.Equal(t, amsbridge.UserID("U-1"), p.came[0].User.ID)
	require.Equal(t, "n-1", p.came[0].Nonce)
	require.Equal(t, "ss", p.state)

	rec = p.answer(posted(body))
	require.Equal(t, http.StatusForbidden, rec.Code)
	require.Contains(t, rec.Body.String(), "go back to the shop")
	require.Len(t, p.came, 1)
	rec = p.answer(posted("token="+p.handOff(t), func(r *http.Request) { r.URL.RawQuery = "utm_campaign=50%off&a=b;c" }))
	require.Equal(t, http.StatusSeeOther, rec.Code, "what others add to the address is ignored")
}

func TestAcceptRefuses(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, AcceptConfig{})
	good := p.handOff(t)
	session, err := p.sso.Session(t.Context(), "elevate", "U-1", "s-1")
	require.NoError(t, err)
	for what, r := range map[string]*http.Request{
		"nothing":     posted(""),
		"a session":   posted("token=" + session),
		"two tokens":  posted("token=" + good + "&token=" + good),
		"garbled":     posted("token=" + good + "x"),
		"bad form":    posted("token=%zz"),
		"too long":    posted("token=" + good + "&x=" + strings.Repeat("x", 5*amsbridge.MaxToken)),
		"in the URL":  posted("", func(r *http.Request) { r.URL.RawQuery = "token=" + good }),
		"another way": posted("token="+good, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }),
	} {
		rec := p.answer(r)
		require.Equal(t, http.StatusForbidden, rec.Code, what)
		require.NotContains(t, rec.Body.String(), good[:20], what)
	}
	rec := p.answer(httptest.NewRequest(http.MethodGet, "/walk-in?token="+good, nil))
	require.Equal(t, http.StatusMethodNotAllowed, rec.Code)
	require.Equal(t, "POST", rec.Header().Get("Allow"))
	require.Empty(t, p.came)
	p.answer(posted("token=" + good))
	require.Len(t, p.came, 1, "none of these used the token up")
}

func TestAcceptByQueryUsesNothingUpForABot(t *testing.T) {
	t.Parallel()
	refused := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	p := newPlatform(t, AcceptConfig{AllowQuery: true, TokenParam: "jwt", Refused: refused})
	target := "/walk-in?jwt=" + p.handOff(t)
	get := func(change func(*http.Request)) int {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		change(r)
		rec := p.answer(r)
		return rec.Code
	}
	require.Equal(t, http.StatusNoContent, get(func(r *http.Request) { r.Method = http.MethodHead }))
	require.Equal(t, http.StatusServiceUnavailable, get(func(r *http.Request) { r.Header.Set("Sec-Purpose", "prefetch") }))
	require.Equal(t, http.StatusForbidden, get(func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "iframe") }))
	require.Empty(t, p.came)
	require.Equal(t, http.StatusSeeOther, get(func(*http.Request) {}))
	require.Equal(t, http.StatusTeapot, get(func(*http.Request) {}))
	require.Len(t, p.came, 1)
}

// A page of another site brings its owner's token to whoever opens it: in a frame, or by a script. Only what
// the person's window opens is taken.
func TestAcceptSignsNobodyInWithoutANavigation(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, AcceptConfig{})
	body := "token=" + p.handOff(t)
	for _, h := range [][2]string{
		{"Sec-Fetch-Dest", "iframe"},
		{"Sec-Fetch-Dest", "frame"},
		{"Sec-Fetch-Dest", "object"},
		{"Sec-Fetch-Dest", "empty"},
		{"Sec-Fetch-Dest", ""},
		{"Sec-Fetch-Mode", "no-cors"},
		{"Sec-Fetch-Mode", "cors"},
		{"Sec-Fetch-Mode", "same-origin"},
		{"Sec-Purpose", "prefetch;prerender"},
	} {
		rec := p.answer(posted(body, func(r *http.Request) { r.Header.Add(h[0], h[1]) }))
		require.GreaterOrEqual(t, rec.Code, 400, h)
		require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
		require.Empty(t, p.came, h)
	}
	rec := p.answer(posted(body, func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
	}))
	require.Equal(t, http.StatusSeeOther, rec.Code, "none of these used the token up")
}

// Where the receiver says which origins may start, a form of another one is refused, and so is one whose
// origin the browser keeps to itself.
func TestAcceptTakesFormsOfListedOrigins(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, AcceptConfig{Origins: []string{shop, "https://shop.example.org:8443"}})
	body := "token=" + p.handOff(t)
	from := func(origins ...string) int {
		return p.answer(posted(body, func(r *http.Request) { r.Header["Origin"] = origins })).Code
	}
	require.Equal(t, http.StatusForbidden, from())
	for _, o := range []string{
		"null", "", "https://evil.example", shop + "/", shop + ":443", "https://SHOP.example.org", "http://shop.example.org",
		"https://shop.example.org.evil.example", "https://a.shop.example.org", shop + ", https://evil.example",
	} {
		require.Equal(t, http.StatusForbidden, from(o), o)
	}
	require.Equal(t, http.StatusForbidden, from(shop, "https://evil.example"))
	require.Empty(t, p.came)
	require.Equal(t, http.StatusSeeOther, from(shop))
	require.Equal(t, http.StatusForbidden, from(shop), "once")
}

// Where the receiver starts hand-offs itself, a token that answers another browser's start is refused and
// not used up.
func TestAcceptRequiresTheNonceOfThisBrowser(t *testing.T) {
	t.Parallel()
	given, failed := "", error(nil)
	p := newPlatform(t, AcceptConfig{
		Nonce: func(*http.Request) (string, error) { return given, failed }, AllowQuery: true,
	})
	token := p.handOff(t) // with the nonce n-1
	none, err := p.sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: "U-2"}})
	require.NoError(t, err)
	for _, nonce := range []string{"", "n-2", "n-", "n-11", "N-1"} {
		given = nonce
		require.Equal(t, http.StatusForbidden, p.answer(posted("token="+token)).Code, nonce)
		require.Equal(t, http.StatusForbidden, p.answer(httptest.NewRequest(http.MethodGet, "/?token="+token, nil)).Code, nonce)
		require.Equal(t, http.StatusForbidden, p.answer(posted("token="+none)).Code, nonce)
	}
	given, failed = "n-1", errors.New("planted")
	require.Equal(t, http.StatusForbidden, p.answer(posted("token="+token)).Code)
	failed = nil
	require.Equal(t, http.StatusForbidden, p.answer(posted("token="+none)).Code)
	require.Empty(t, p.came)
	require.Equal(t, http.StatusSeeOther, p.answer(posted("token="+token)).Code)
	require.Len(t, p.came, 1)
}

func TestRequireASession(t *testing.T) {
	t.Parallel()
	p, lives := newPlatform(t, AcceptConfig{}), true
	sessions, err := NewSessions(SessionsConfig{
		Issuer: shop, Audience: elevate, KeySource: p.keys, Audit: quiet, Now: keytest.Time,
		Alive: func(context.Context, amsbridge.UserID, string) (bool, error) { return lives, nil },
	})
	require.NoError(t, err)
	answer := func(status int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, ok := SessionFrom(r.Context())
			require.Equal(t, status == http.StatusOK, ok && s.UserID == "U-1")
			w.WriteHeader(status)
		})
	}
	h, err := sessions.Require("__Secure-ams", answer(http.StatusOK), answer(http.StatusSeeOther))
	require.NoError(t, err)
	ask := func(values ...string) int {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		for _, v := range values {
			r.AddCookie(&http.Cookie{Name: "__Secure-ams", Value: v})
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec.Code
	}
	good, err := p.sso.Session(t.Context(), "elevate", "U-1", "s-1")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, ask(good))
	require.Equal(t, http.StatusOK, ask(good), "as often as the member likes")
	require.Equal(t, http.StatusSeeOther, ask())
	require.Equal(t, http.StatusSeeOther, ask("x"))
	require.Equal(t, http.StatusSeeOther, ask(p.handOff(t)), "a hand-off is no session")
	require.Equal(t, http.StatusSeeOther, ask(good, good))
	lives = false
	require.Equal(t, http.StatusSeeOther, ask(good))
}

func TestAcceptNamesTheBadField(t *testing.T) {
	t.Parallel()
	v, s := newVerifier(t, keytest.Time(), keytest.Public(t, keytest.Generated(t, ssokeys.EdDSA, "k1"))),
		newSessions(t, keytest.Generated(t, ssokeys.EdDSA, "k1"), keytest.Time(), nil)
	next := http.NotFoundHandler()
	for field, try := range map[string]func() error{
		"next":                    func() error { _, err := v.Accept(AcceptConfig{}, nil); return err },
		"next ":                   func() error { _, err := v.Accept(AcceptConfig{}, http.HandlerFunc(nil)); return err },
		"AcceptConfig.TokenParam": func() error { _, err := v.Accept(AcceptConfig{TokenParam: "a b"}, next); return err },
		"AcceptConfig.Origins": func() error {
			_, err := v.Accept(AcceptConfig{Origins: []string{shop}, AllowQuery: true}, next)
			return err
		},
		"AcceptConfig.Origins[1]":       func() error { _, err := v.Accept(AcceptConfig{Origins: []string{shop, shop + "/"}}, next); return err },
		"AcceptConfig.Origins[0]":       func() error { _, err := v.Accept(AcceptConfig{Origins: []string{""}}, next); return err },
		"AcceptConfig.Pages.Stylesheet": func() error { _, err := v.Accept(AcceptConfig{Pages: pages.Config{Stylesheet: "x"}}, next); return err },
		"cookie":                        func() error { _, err := s.Require("", next, next); return err },
		"otherwise":                     func() error { _, err := s.Require("c", next, nil); return err },
	} {
		require.Equal(t, "ssoverify: "+strings.TrimSpace(field), keytest.BadField(t, try()))
	}
}
