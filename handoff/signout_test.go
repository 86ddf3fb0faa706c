package handoff

import (
	"net/http"
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
