package cartlink

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

func TestCartPolicies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy       Policy
		empty, other int
	}{
		{ConfirmIfNotEmpty, http.StatusSeeOther, http.StatusOK},
		{AlwaysConfirm, http.StatusOK, http.StatusOK},
		{AlwaysAdd, http.StatusSeeOther, http.StatusSeeOther},
	} {
		e := newEnv(t, func(cfg *Config) { cfg.Policy = c.policy })
		b := e.browser()
		require.Equal(t, c.empty, b.click("product=course").Code, c.policy)
		b.confirm("course", "same-origin")
		before := e.sets
		rec := b.click("product=a%26b%3Dc+%C3%A9")
		require.Equal(t, c.other, rec.Code, c.policy)
		if c.other == http.StatusOK {
			require.Equal(t, before, e.sets, "asking changes nothing")
			require.Equal(t, map[string]string{"product": "a&b=c é", "quantity": "1"}, fields(rec))
			require.Contains(t, rec.Body.String(), "<p>a&amp;b=c é</p>", "it says what")
		}
	}
}

func TestCartConfirmationComesFromOurOwnPage(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	for _, site := range []string{"cross-site", "same-site"} {
		require.Equal(t, http.StatusForbidden, e.browser().confirm("course", site).Code)
	}
	r := httptest.NewRequest(http.MethodPost, "/buy", strings.NewReader("product=course"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "null")
	require.Equal(t, http.StatusForbidden, e.browser().do(r, "").Code)
	require.Zero(t, e.sets)
	require.Equal(t, http.StatusSeeOther, e.browser().confirm("course", "same-origin").Code)
}

// A signed-in buyer is asked before the cart is changed, like any other.
func TestCartOfASignedInBuyer(t *testing.T) {
	t.Parallel()
	for policy, asks := range map[Policy]bool{ConfirmIfNotEmpty: true, AlwaysConfirm: true, AlwaysAdd: false} {
		e := newEnv(t, func(cfg *Config) { cfg.Policy = policy })
		e.user, e.userErr = amsbridge.User{ID: "U-1"}, nil
		b := e.browser()
		b.confirm("course", "same-origin")
		require.Equal(t, map[string]int{"course": 1}, e.carts["c-1"])
		rec := b.click("product=a%26b%3Dc+%C3%A9&user_id=U-2")
		require.Equal(t, asks, rec.Code == http.StatusOK, policy)
		if asks {
			require.Equal(t, map[string]int{"course": 1}, e.carts["c-1"], "asking changes nothing")
			require.Equal(t, http.StatusSeeOther, b.confirm("a&b=c é", "same-origin").Code)
		}
		require.Equal(t, map[string]int{"course": 1, "a&b=c é": 1}, e.carts["c-1"])
		require.Len(t, e.carts, 1)
	}
}
