package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// Browse on Elevate, buy in the store, walk in.
func TestFromElevateToTheStoreAndBack(t *testing.T) {
	t.Parallel()
	at := open(t, "")
	b := newBrowser(t, at.Shop)
	course := b.get(at.Elevate + "/products/course-ethics").body
	register := match(t, `href="([^"]*)" data-test="register"`, course)

	cart := b.get(register)
	require.Equal(t, "/cart", cart.path, "it is in the cart without another click")
	require.Contains(t, cart.body, `role="status" data-test="said">“Ethics for Practitioners” is in your cart.`)
	require.Equal(t, "/cart", b.get(register).path, "loaded again")
	require.Contains(t, b.get("/cart").body, ">$79.00<", "it sets a quantity")

	sign := b.get("/checkout")
	require.Equal(t, "/sign-in", sign.path)
	back := b.post("/sign-in", "member", "U-1002", "next", match(t, `name="next" value="([^"]*)"`, sign.body))
	require.Equal(t, "/checkout", back.path, "and the cart is still there")
	b.buy()
	page := b.until("/learning", ">delivered<")
	walk := match(t, `href="([^"]*)" data-test="walk-in"`, page)

	handOff := b.get(walk)
	require.Equal(t, "no-store", handOff.header.Get("Cache-Control"))
	require.Equal(t, "strict-origin", handOff.header.Get("Referrer-Policy"), "Elevate is told the shop's origin")
	require.Contains(t, handOff.header.Get("Content-Security-Policy"), "form-action "+at.Elevate)
	require.NotContains(t, handOff.header.Get("Content-Security-Policy"), "unsafe")
	in := b.walk(handOff)
	require.Equal(t, "/products/course-ethics", in.path)
	require.Contains(t, in.body, "Welcome, James O’Neill.")
	require.Equal(t, http.StatusForbidden, b.walk(handOff).status, "it was used")

	owner := b.get(register)
	require.Contains(t, owner.body, "You have this already")
	require.Contains(t, owner.body, "Buy it again", "for somebody else")
	into := b.get(match(t, `<a href="([^"]*)">Go to what you have`, owner.body))
	require.Equal(t, "/products/course-ethics", b.walk(into).path)
	require.Equal(t, "/cart", b.get(register+"&quantity=5").path, "who wants more buys for others")

	b.post(at.Elevate + "/sign-out")
	out := b.get(at.Elevate + "/products/course-ethics").body
	require.NotContains(t, out, "James")
	again := b.walk(b.get(match(t, `href="([^"]*)" data-test="sign-in"`, out)))
	require.Equal(t, "/products/course-ethics", again.path, "the platform's own sign-in comes back to its page")
}

// Browse and buy in the store, walk in to both platforms.
func TestFromTheStoreToNotified(t *testing.T) {
	t.Parallel()
	at := open(t, "")
	b := signIn(t, at.Shop, "U-1001", "event-gala")
	b.buy()
	page := b.until("/learning", ">delivered<")
	lobby := b.get(match(t, `href="([^"]*)" data-test="walk-in"`, page))
	require.Equal(t, at.Notified+"/", lobby.url, "the ticket is in no address bar")
	require.Contains(t, lobby.body, `data-test="member-id">U-1001`)
	require.Contains(t, lobby.body, `data-product="event-gala" data-booked="true"`)
	require.Contains(t, lobby.body, `data-product="event-workshop" data-booked="false"`)
	require.Equal(t, http.StatusForbidden, b.get(at.Notified+"/scripts/Server.nxp?LASCmd=AI:4;F:APIUTILS!50505&LoginTicketKey=LTNONE").status)

	// Signed out at the store, one is sent to sign in, and on from there.
	other := newBrowser(t, at.Shop)
	sign := other.get(match(t, `href="([^"]*)" data-test="sign-in"`, other.get(at.Notified+"/").body))
	require.Equal(t, "/sign-in", sign.path)
	require.Contains(t, sign.header.Get("Content-Security-Policy"), "form-action 'self' "+at.Elevate+" "+at.Notified, "browsers check the redirects of a form as well")
	in := other.post("/sign-in", "member", "U-1003", "back", match(t, `name="back" value="([^"]+)"`, sign.body))
	require.Equal(t, at.Notified+"/", in.url)
	require.Contains(t, in.body, "Aiko Tanaka")
	for _, forged := range []string{"https://evil.example/", "/orders", "x"} {
		require.Equal(t, at.Shop+"/", newBrowser(t, at.Shop).post("/sign-in", "member", "U-1003", "back", forged).url)
	}

	rows := signIn(t, at.Shop, "U-2001").get("/staff/sign-ins").body
	require.Contains(t, rows, "ticket minted")
	require.NotRegexp(t, `LT[A-Z2-7]{16}`, rows, "no ticket is in it")
}

func TestCartLinksAsk(t *testing.T) {
	t.Parallel()
	at := open(t, "")
	b := signIn(t, at.Shop, "U-1001", "book-handbook")
	ask := b.get("/amsbridge/buy?product=course-ethics&price=0&user_id=U-1002")
	require.Contains(t, ask.body, "Put this into your cart?", "a link does not mix with what was chosen")
	require.NotContains(t, b.get("/cart").body, "Ethics")
	require.Equal(t, "/cart", b.post("/amsbridge/buy", "product", "course-ethics", "quantity", "1").path)
	require.Contains(t, b.get("/cart").body, "$114.00")

	for query, says := range map[string]string{
		"product=event-simulation": "sold out", "product=none": "We do not sell this", "product=course-ethics&quantity=0": "quantity",
		"product=course-ethics&quantity=6": "quantity", "product=book-handbook": "We do not sell this", "product=%3Cscript%3E": "We do not sell this",
	} {
		other := newBrowser(t, at.Shop)
		require.Contains(t, other.get("/amsbridge/buy?"+query).body, says, query)
		require.Contains(t, other.get("/cart").body, "Nothing is in it yet", query)
	}
	require.Equal(t, http.StatusNoContent, b.do(http.MethodHead, "/amsbridge/buy?product=course-infection", nil, nil).status)
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	at := open(t, "")
	b := signIn(t, at.Shop, "U-1001", "course-ethics")
	require.Equal(t, http.StatusForbidden, b.post("/amsbridge/sign-out", "proof", "x").status)
	require.Contains(t, b.get("/").body, "Maria Keller")
	out := b.post("/amsbridge/sign-out", "proof", match(t, `name="proof" value="([^"]+)"`, b.get("/").body))
	require.Equal(t, "/", out.path)
	require.NotContains(t, out.body, "Maria")
	require.Contains(t, b.get("/cart").body, "Nothing is in it yet", "the cart was hers")
}
