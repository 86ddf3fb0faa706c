package cartlink

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// newOwner returns an env whose member U-1 is signed in and has the course, in a state.
func newOwner(t *testing.T, state outbox.State, change func(*Config)) *env {
	t.Helper()
	e := newEnv(t, change)
	e.user, e.userErr = amsbridge.User{ID: "U-1"}, nil
	e.records = []outbox.Record{e.registered("elevate", "C-1", state)}
	return e
}

func TestCartLinkOfWhatTheMemberHas(t *testing.T) {
	t.Parallel()
	for state, text := range map[outbox.State]string{
		outbox.StateDelivered: `<a href="/sso/hand-off?to=elevate&amp;product=course">Go to what you have</a>`,
		outbox.StatePending:   "We are finishing your registration",
		outbox.StateParked:    "One of us is looking after your registration",
	} {
		for _, policy := range []Policy{ConfirmIfNotEmpty, AlwaysConfirm, AlwaysAdd} {
			e := newOwner(t, state, func(cfg *Config) { cfg.Policy = policy })
			b := e.browser()
			rec := b.click("product=course")
			require.Equal(t, http.StatusOK, rec.Code)
			page := rec.Body.String()
			require.Contains(t, page, "You have this already")
			require.Contains(t, page, text)
			require.Equal(t, state == outbox.StateDelivered, strings.Contains(page, "/sso/hand-off"))
			require.Equal(t, map[string]string{"product": "course", "quantity": "1"}, fields(rec))
			require.Contains(t, page, "Buy it again")
			require.Contains(t, rec.Header().Get("Content-Security-Policy"), "form-action 'self'")
			require.Zero(t, e.sets, "asking changes nothing")

			require.Equal(t, http.StatusSeeOther, b.confirm("course", "same-origin").Code)
			require.Equal(t, 1, e.carts["c-1"]["course"], "bought again")
			require.Equal(t, http.StatusForbidden, b.confirm("course", "cross-site").Code)
		}
	}
}

// Who opens a link for several is buying for others, whatever they have themselves.
func TestCartLinkForOthers(t *testing.T) {
	t.Parallel()
	e := newOwner(t, outbox.StateDelivered, nil)
	rec := e.browser().click("product=course&quantity=5")
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, "/cart", rec.Header().Get("Location"))
	require.Equal(t, map[string]map[string]int{"c-1": {"course": 5}}, e.carts)
}

func TestCartLinkOfWhatTheMemberHasNot(t *testing.T) {
	t.Parallel()
	buys := func(e *env, query string) bool {
		return e.browser().get(query, "same-origin").Code == http.StatusSeeOther
	}
	e := newOwner(t, outbox.StateDelivered, nil)
	require.True(t, buys(e, "product=a%26b%3Dc+%C3%A9"), "another product")
	require.True(t, buys(e, "product=membership"), "a part of it")
	e.records = append(e.records, e.registered("elevate", "C-2", outbox.StateDelivered))
	require.False(t, buys(e, "product=membership"), "all of it")
	e.user.ID = "U-2"
	require.True(t, buys(e, "product=course"), "another member")
	e.userErr = errors.New("planted")
	require.True(t, buys(e, "product=course"), "what cannot be found out stops nobody")
}

// forgetful is a catalogue that does not know one product.
type forgetful struct {
	amsbridge.Catalog
	id string
}

func (f forgetful) Lookup(ctx context.Context, id string) (amsbridge.Product, amsbridge.Offering, error) {
	if id == f.id {
		return amsbridge.Product{}, amsbridge.Unknown, nil
	}
	return f.Catalog.Lookup(ctx, id)
}

// Who has all that is known of a product may miss what is not known of it.
func TestCartLinkOfAProductWithAnUnknownPart(t *testing.T) {
	t.Parallel()
	e := newOwner(t, outbox.StateDelivered, func(cfg *Config) { cfg.Catalog = forgetful{cfg.Catalog, "a&b=c é"} })
	require.Equal(t, http.StatusSeeOther, e.browser().get("product=membership", "same-origin").Code)
}

// U-1 of acme and U-1 of beta are two people.
func TestCartLinkOfTwoAssociations(t *testing.T) {
	t.Parallel()
	for association, has := range map[string]bool{"": false, "acme": true, "beta": false} {
		e := newOwner(t, outbox.StateDelivered, func(cfg *Config) { cfg.Association = association })
		e.records = []outbox.Record{e.registered("elevate/acme", "C-1", outbox.StateDelivered)}
		rec := e.browser().get("product=course", "same-origin")
		require.Equal(t, has, rec.Code == http.StatusOK, association)
	}
}

func TestCartLinkOfWhatTheMemberHasWithoutAWalkIn(t *testing.T) {
	t.Parallel()
	for _, walkIn := range []func(amsbridge.Product) string{
		nil, func(amsbridge.Product) string { return "//evil.example" },
	} {
		e := newOwner(t, outbox.StateDelivered, func(cfg *Config) { cfg.WalkIn = walkIn })
		page := e.browser().get("product=course", "same-origin").Body.String()
		require.Contains(t, page, `href="https://learn.example.org/c-1"`, "the platform's own link")
		require.NotContains(t, page, "evil")
	}
}

// What is sold out, or may be, is not offered again; the way to what the member has stays open.
func TestCartLinkOfWhatTheMemberHasAndNobodySells(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*env){
		"sold out":            func(e *env) { e.soldOut["course"] = true },
		"the cart cannot say": func(e *env) { e.cartErr = errors.New("planted") },
	} {
		e := newOwner(t, outbox.StateDelivered, nil)
		change(e)
		rec := e.browser().get("product=course", "same-origin")
		require.Equal(t, http.StatusOK, rec.Code, name)
		require.Contains(t, rec.Body.String(), "Go to what you have", name)
		require.Empty(t, fields(rec), name)
	}
}

// Where nobody knows what the cart holds, "Buy it again" says what becomes of it.
func TestCartLinkOfWhatTheMemberHasAndACartThatCannotCount(t *testing.T) {
	t.Parallel()
	const says = "If your cart holds it already, its quantity becomes 1."
	for _, policy := range []Policy{ConfirmIfNotEmpty, AlwaysConfirm, AlwaysAdd} {
		e := newOwner(t, outbox.StateDelivered, func(cfg *Config) { cfg.Cart, cfg.Policy = struct{ Cart }{cfg.Cart}, policy })
		b := e.browser()
		b.submit(map[string]string{"product": "course", "quantity": "5"}, "same-origin")
		page := b.click("product=course")
		require.Contains(t, page.Body.String(), "Buy it again")
		require.Contains(t, page.Body.String(), says)
		require.Equal(t, 5, e.carts["c-1"]["course"], "asking changes nothing")

		counted := newOwner(t, outbox.StateDelivered, func(cfg *Config) { cfg.Policy = policy })
		require.NotContains(t, counted.browser().click("product=course").Body.String(), says)
		unsaid := counted.browser()
		unsaid.submit(map[string]string{"product": "course", "quantity": "5"}, "same-origin")
		require.Contains(t, unsaid.get("product=course", "").Body.String(), says, "the cart's cookie may have stayed behind")
	}
}
