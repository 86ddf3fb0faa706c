package amsbridge

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// receiver is a platform that takes the walkway's hand-offs.
func (w *walkway) receiver(cfg AcceptConfig) (handler http.Handler, came *[]HandOff) {
	w.t.Helper()
	v, err := NewVerifier(VerifierConfig{
		Issuer: shop, Audience: learn, KeySource: w.keys, Replay: NewMemoryReplay(w.clock), Audit: quiet, Now: w.clock,
	})
	require.NoError(w.t, err)
	came = &[]HandOff{}
	handler, err = v.Accept(cfg, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h, ok := HandOffFrom(r.Context())
		require.True(w.t, ok)
		*came = append(*came, h)
		http.Redirect(rw, r, "/course", http.StatusSeeOther)
	}))
	require.NoError(w.t, err)
	return handler, came
}

func (w *walkway) handOff() string {
	token, err := w.sso.HandOff(w.t.Context(), HandOffRequest{Audience: "elevate", User: w.user, Nonce: "n-1"})
	require.NoError(w.t, err)
	return token
}

func posted(body string, change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/walk-in", strings.NewReader(body))
	r.Header.Set("Content-Type", form)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	for _, c := range change {
		c(r)
	}
	return r
}

func TestAcceptLetsAMemberInOnce(t *testing.T) {
	t.Parallel()
	w := newWalkway(t, nil)
	h, came := w.receiver(AcceptConfig{})
	body := url.Values{"token": {w.handOff()}, "state": {"s"}}.Encode()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, posted(body))
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
	require.Len(t, *came, 1)
	require.Equal(t, UserID("U-1"), (*came)[0].User.ID)
	require.Equal(t, "n-1", (*came)[0].Nonce)

	rec = httptest.NewRecorder()
	h.ServeHTTP(rec, posted(body))
	require.Equal(t, http.StatusForbidden, rec.Code)
	require.Contains(t, rec.Body.String(), "go back to the shop")
	require.Len(t, *came, 1)
}

func TestAcceptRefuses(t *testing.T) {
	t.Parallel()
	w := newWalkway(t, nil)
	h, came := w.receiver(AcceptConfig{})
	good := w.handOff()
	session, err := w.sso.Session(t.Context(), "elevate", "U-1", "s-1")
	require.NoError(t, err)
	for what, r := range map[string]*http.Request{
		"nothing":     posted(""),
		"a session":   posted("token=" + session),
		"two tokens":  posted("token=" + good + "&token=" + good),
		"garbled":     posted("token=" + good + "x"),
		"bad form":    posted("token=%zz"),
		"too long":    posted("token=" + good + "&x=" + strings.Repeat("x", 5*MaxToken)),
		"in the URL":  posted("", func(r *http.Request) { r.URL.RawQuery = "token=" + good }),
		"another way": posted("token="+good, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }),
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		require.Equal(t, http.StatusForbidden, rec.Code, what)
		require.NotContains(t, rec.Body.String(), good[:20], what)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/walk-in?token="+good, nil))
	require.Equal(t, http.StatusMethodNotAllowed, rec.Code)
	require.Equal(t, "POST", rec.Header().Get("Allow"))
	require.Empty(t, *came)
	rec = httptest.NewRecorder()
	h.ServeHTTP(rec, posted("token="+good))
	require.Len(t, *came, 1, "none of these used the token up")
}

func TestAcceptByQueryUsesNothingUpForABot(t *testing.T) {
	t.Parallel()
	w := newWalkway(t, nil)
	refused := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	h, came := w.receiver(AcceptConfig{AllowQuery: true, TokenParam: "jwt", Refused: refused})
	target := "/walk-in?jwt=" + w.handOff()
	get := func(change func(*http.Request)) int {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		change(r)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec.Code
	}
	require.Equal(t, http.StatusNoContent, get(func(r *http.Request) { r.Method = http.MethodHead }))
	require.Equal(t, http.StatusNoContent, get(func(r *http.Request) { r.Header.Set("Sec-Purpose", "prefetch") }))
	require.Empty(t, *came)
	require.Equal(t, http.StatusSeeOther, get(func(*http.Request) {}))
	require.Equal(t, http.StatusTeapot, get(func(*http.Request) {}))
	require.Len(t, *came, 1)
}

func TestRequireASession(t *testing.T) {
	t.Parallel()
	p := newPull(t, nil)
	answer := func(status int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, ok := SessionFrom(r.Context())
			require.Equal(t, status == http.StatusOK, ok && s.UserID == "U-1")
			w.WriteHeader(status)
		})
	}
	sessions := p.v.cfg.Sessions
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
	good := p.token("pull")
	require.Equal(t, http.StatusOK, ask(good))
	require.Equal(t, http.StatusOK, ask(good), "as often as the member likes")
	require.Equal(t, http.StatusSeeOther, ask())
	require.Equal(t, http.StatusSeeOther, ask("x"))
	require.Equal(t, http.StatusSeeOther, ask(good, good))
	p.alive = false
	require.Equal(t, http.StatusSeeOther, ask(good))
}

func TestAcceptNamesTheBadField(t *testing.T) {
	t.Parallel()
	w := newWalkway(t, nil)
	v, err := NewVerifier(VerifierConfig{Issuer: shop, Audience: learn, KeySource: w.keys, AllowReplay: true})
	require.NoError(t, err)
	s, err := NewSessionVerifier(SessionVerifierConfig{
		Issuer: shop, Audience: learn, KeySource: w.keys,
		Alive: func(context.Context, UserID, string) (bool, error) { return true, nil },
	})
	require.NoError(t, err)
	next := http.NotFoundHandler()
	for field, try := range map[string]func() error{
		"next":             func() error { _, err := v.Accept(AcceptConfig{}, nil); return err },
		"token param":      func() error { _, err := v.Accept(AcceptConfig{TokenParam: "a b"}, next); return err },
		"pages.stylesheet": func() error { _, err := v.Accept(AcceptConfig{Pages: PageConfig{Stylesheet: "x"}}, next); return err },
		"cookie":           func() error { _, err := s.Require("", next, next); return err },
		"otherwise":        func() error { _, err := s.Require("c", next, nil); return err },
	} {
		var input *InputError
		require.ErrorAs(t, try(), &input, field)
		require.Equal(t, field, input.Field)
	}
}
