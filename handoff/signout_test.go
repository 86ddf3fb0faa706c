package handoff

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

func TestSignOut(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	page := e.signOut(http.MethodGet, "")
	require.Equal(t, http.StatusOK, page.Code)
	require.Zero(t, e.ended, "looking at the page ends nothing")
	require.Empty(t, page.Result().Cookies())
	proof := fields(page)["proof"]
	for _, forged := range []string{
		"", "x.y", e.handlers.SignOutProof("U-2"), e.handlers.state.sign(forWayBack, "U-1", time.Hour),
	} {
		require.Equal(t, http.StatusForbidden, e.signOut(http.MethodPost, forged).Code)
	}
	require.Zero(t, e.ended)
	done := e.signOut(http.MethodPost, proof)
	require.Equal(t, http.StatusSeeOther, done.Code)
	require.Equal(t, "/", done.Header().Get("Location"))
	require.Equal(t, 1, e.ended)
	require.Equal(t, -1, done.Result().Cookies()[0].MaxAge)
	require.Equal(t, amsbridge.SSOSignedOut, e.audited[len(e.audited)-1].Action)
	e.userErr = amsbridge.ErrSignedOut
	require.Equal(t, http.StatusSeeOther, e.signOut(http.MethodGet, "").Code)
}

// A request from another site may lack the shop's own cookie, so that the member looks signed out. It ends
// no pull session, and neither does one for which nobody knows who is signed in.
func TestSignOutFromAnotherSiteDeletesNoCookie(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	proof := e.handlers.SignOutProof("U-1")
	ask := func(method string, headers ...string) []*http.Cookie {
		r := httptest.NewRequest(method, "/sso/sign-out", strings.NewReader(url.Values{"proof": {proof}}.Encode()))
		r.Header.Set("Content-Type", formType)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		rec := httptest.NewRecorder()
		e.handlers.SignOut().ServeHTTP(rec, r)
		require.Less(t, rec.Code, http.StatusInternalServerError+4)
		return rec.Result().Cookies()
	}
	e.userErr = amsbridge.ErrSignedOut
	for _, h := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"},
		{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"},
		{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"},
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
	} {
		require.Empty(t, ask(http.MethodPost, h...), h)
		require.Empty(t, ask(http.MethodGet, h...), h)
	}
	require.Empty(t, ask(http.MethodPost), "a form of an old browser that says nothing")
	require.Empty(t, ask(http.MethodGet), "a link of one")
	require.Equal(t, -1, ask(http.MethodPost, "Sec-Fetch-Site", "same-origin")[0].MaxAge)
	require.Equal(t, -1, ask(http.MethodGet, "Sec-Fetch-Site", "none")[0].MaxAge)
	e.userErr = errors.New("planted")
	require.Empty(t, ask(http.MethodPost, "Sec-Fetch-Site", "same-origin"))
	require.Zero(t, e.ended)
}

// Signing out at the shop ends the platform's pull session at its next validation.
func TestValidateAfterTheSignOut(t *testing.T) {
	t.Parallel()
	e := newValidatorEnv(t, nil)
	e.handlers.cfg.EndSession = func(http.ResponseWriter, *http.Request) error { e.alive = false; return nil }
	token := e.token("pull")
	require.Equal(t, http.StatusOK, e.post(token).Code)
	rec := e.signOut(http.MethodPost, e.handlers.SignOutProof("U-1"))
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, http.StatusUnauthorized, e.post(token).Code)
}
