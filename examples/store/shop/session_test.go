package shop

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/cartlink"
	"github.com/amsbridge/amsbridge/examples/store/web"
)

// A cart link without a cookie begins a session.
func TestCartLinksOfStrangersSignNobodyOut(t *testing.T) {
	t.Parallel()
	s, err := New(Config{})
	require.NoError(t, err)
	visit := httptest.NewRequest(http.MethodGet, "/", nil)
	w := httptest.NewRecorder()
	s.sessions.Begin(w, visit, &session{member: Members()[0]})
	visit.AddCookie(w.Result().Cookies()[0])
	for range web.MaxSessions {
		link := httptest.NewRequest(http.MethodGet, CartPath, nil)
		result, err := s.Cart().Set(httptest.NewRecorder(), link, amsbridge.Product{ID: "course-ethics"}, 1)
		require.NoError(t, err)
		require.Equal(t, cartlink.Set, result)
	}
	user, err := s.CurrentUser(visit)
	require.NoError(t, err)
	require.Equal(t, Members()[0].ID, user.ID)
}
