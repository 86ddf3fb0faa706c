package web

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// visitor is a request with the cookies of an answer.
func visitor(w *httptest.ResponseRecorder) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if w != nil {
		for _, c := range w.Result().Cookies() {
			r.AddCookie(c)
		}
	}
	return r
}

func TestTooManySessionsForgetTheOldestAlone(t *testing.T) {
	t.Parallel()
	s := Sessions[int]{Cookie: "s"}
	begin := func(n int) *http.Request {
		w := httptest.NewRecorder()
		s.Begin(w, visitor(nil), n)
		return visitor(w)
	}
	first, second, third := begin(1), begin(2), begin(3)
	for n := range MaxSessions - 3 {
		begin(10 + n)
	}
	require.Equal(t, 1, s.Of(first), "all of them fit, and the first one is used again")
	fresh := begin(-1)
	require.Equal(t, 1, s.Of(first), "who was here just now stays")
	require.Zero(t, s.Of(second), "who was away the longest is forgotten")
	require.Equal(t, 3, s.Of(third), "and nobody else")
	require.Equal(t, -1, s.Of(fresh))
	require.Len(t, s.byID, MaxSessions)
	require.Equal(t, MaxSessions, s.strangers.Len())
}

// Anybody begins as many sessions as they like without signing in.
func TestStrangersSignNoMemberOut(t *testing.T) {
	t.Parallel()
	s := Sessions[string]{Cookie: "s", SignedIn: func(name string) bool { return name != "stranger" }}
	begin := func(name string) *http.Request {
		w := httptest.NewRecorder()
		s.Begin(w, visitor(nil), name)
		return visitor(w)
	}
	maria, james := begin("Maria"), begin("James")
	stranger := begin("stranger")
	for range 2 * MaxSessions {
		begin("stranger")
	}
	require.Empty(t, s.Of(stranger))
	require.Equal(t, "Maria", s.Of(maria))
	require.Equal(t, "James", s.Of(james))
	require.Len(t, s.byID, MaxSessions)
	require.Equal(t, MaxSessions, s.strangers.Len()+s.members.Len())
	for range MaxSessions - 2 {
		begin("another member")
	}
	require.Zero(t, s.strangers.Len(), "members come before strangers")
	require.Equal(t, "Maria", s.Of(maria))
	begin("another member")
	require.Empty(t, s.Of(james), "who was away the longest")
	require.Equal(t, "Maria", s.Of(maria))
	require.Len(t, s.byID, MaxSessions)
	s.End(httptest.NewRecorder(), maria)
	require.Empty(t, s.Of(maria))
	require.Equal(t, MaxSessions-1, s.members.Len())
}

func TestSessionsHaveANewIDEachTime(t *testing.T) {
	t.Parallel()
	s := Sessions[int]{Cookie: "s"}
	require.Zero(t, s.Of(visitor(nil)))
	chosen := httptest.NewRequest(http.MethodGet, "/", nil)
	chosen.AddCookie(&http.Cookie{Name: "s", Value: "chosen-by-somebody"})
	w := httptest.NewRecorder()
	s.Begin(w, chosen, 1)
	require.Zero(t, s.Of(chosen))
	mine := visitor(w)
	require.Equal(t, 1, s.Of(mine))
	again := httptest.NewRecorder()
	s.Begin(again, mine, 2)
	require.Zero(t, s.Of(mine), "the one before is over")
	require.Len(t, s.byID, 1)
	gone := httptest.NewRecorder()
	s.End(gone, visitor(again))
	require.Zero(t, s.Of(visitor(again)))
	require.Empty(t, s.byID)
	require.Zero(t, s.strangers.Len())
	require.Negative(t, gone.Result().Cookies()[0].MaxAge)
}
