package handoff

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

func TestSessionCookiesAreRenewed(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	page := e.handlers.Session(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
	}))
	ask := func(cookie string, change ...func(*http.Request)) []*http.Cookie {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if cookie != "" {
			r.AddCookie(&http.Cookie{Name: "__Secure-ams", Value: cookie})
		}
		for _, c := range change {
			c(r)
		}
		rec := httptest.NewRecorder()
		page.ServeHTTP(rec, r)
		require.Equal(t, http.StatusTeapot, rec.Code)
		return rec.Result().Cookies()
	}
	first := ask("")
	require.Len(t, first, 1)
	require.Empty(t, ask(first[0].Value), "young enough")
	require.Empty(t, ask("", func(r *http.Request) { r.Header.Set("Sec-Purpose", "prefetch") }))
	e.now = e.now.Add(30 * time.Minute)
	require.Len(t, ask(first[0].Value), 1, "half its time is over")
	e.now = e.now.Add(-30 * time.Minute)
	e.session = "s-2"
	require.Len(t, ask(first[0].Value), 1, "another session")
	e.session, e.user.ID = "s-1", "U-2"
	require.Len(t, ask(first[0].Value), 1, "another member")
	for _, junk := range []string{"a.b.c", "x", strings.Repeat("A", amsbridge.MaxToken+1)} {
		require.Len(t, ask(junk), 1)
	}
	e.userErr = amsbridge.ErrSignedOut
	require.Equal(t, -1, ask(first[0].Value)[0].MaxAge)
	require.Empty(t, ask(""))
}
