package cartlink

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// Whatever a link says of itself, who comes from another site sees the page that brings a Strict cookie along.
func TestCartLinkCannotClaimToComeFromOurOwnPage(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	b := e.browser()
	b.click("product=course")
	for _, site := range []string{"cross-site", "same-site", "none", "Same-Origin", "anything"} {
		for _, claim := range []string{"", "&hop=1", "&hop=2", "&instead=1", "&onward=1&next=1", "&Sec-Fetch-Site=same-origin"} {
			for _, cfg := range []Policy{ConfirmIfNotEmpty, AlwaysAdd} {
				e.links.cfg.Policy = cfg
				rec := b.get("product=course&quantity=2"+claim, site)
				require.Equal(t, http.StatusOK, rec.Code, site+claim)
				require.Contains(t, rec.Body.String(), `content="0; url=/buy?product=course&amp;quantity=2"`, site+claim)
			}
		}
	}
	require.Equal(t, map[string]map[string]int{"c-1": {"course": 1}}, e.carts, "one cart, as it was")
}

// A browser that does not say where from may come without its Strict cookie. Our form brings it.
func TestCartLinkInABrowserThatDoesNotSayWhereFrom(t *testing.T) {
	t.Parallel()
	for _, policy := range []Policy{ConfirmIfNotEmpty, AlwaysConfirm, AlwaysAdd} {
		e := newEnv(t, func(cfg *Config) { cfg.Policy = policy })
		b := e.browser()
		b.click("product=a%26b%3Dc+%C3%A9")
		b.confirm("a&b=c é", "same-origin")
		for _, claim := range []string{"", "&hop=1"} {
			rec := b.get("product=course&quantity=3"+claim, "")
			require.Equal(t, http.StatusOK, rec.Code)
			require.Contains(t, rec.Body.String(), "asks for 3 of it")
			require.NotContains(t, rec.Body.String(), "http-equiv", "it could go round for ever")
			require.Equal(t, map[string]string{"product": "course", "quantity": "3"}, fields(rec))
		}
		require.Equal(t, map[string]map[string]int{"c-1": {"a&b=c é": 1}}, e.carts)
		require.Equal(t, http.StatusSeeOther, b.submit(fields(b.get("product=course&quantity=3", "")), "same-origin").Code)
		require.Equal(t, map[string]map[string]int{"c-1": {"a&b=c é": 1, "course": 3}}, e.carts)
	}
	lax := newEnv(t, func(cfg *Config) { cfg.LaxCookie = true })
	require.Equal(t, http.StatusSeeOther, lax.browser().get("product=course", "").Code, "its cookie came along")
}

// Such a browser proves by the Origin alone that the form is ours, and tells it only where the page lets it.
func TestCartFormInABrowserThatDoesNotSayWhereFrom(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]*env{"asked": newEnv(t, nil), "owner": newOwner(t, outbox.StateDelivered, nil)} {
		b := e.browser()
		page := b.get("product=course", "")
		require.Equal(t, http.StatusOK, page.Code, name)
		require.Equal(t, http.StatusSeeOther, b.submit(fields(page), "").Code, name)
		require.Equal(t, map[string]map[string]int{"c-1": {"course": 1}}, e.carts, name)
	}
}
