package main

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/examples/store/platforms"
	"github.com/amsbridge/amsbridge/examples/store/shop"
)

func TestForgedPostsAreRefused(t *testing.T) {
	t.Parallel()
	at := open(t, "")
	b := signIn(t, at.Shop, "U-1001", "course-ethics")
	for _, path := range []string{
		"/sign-in", "/cart", "/checkout", "/orders", "/staff/orders", "/staff/attention", "/amsbridge/sign-out", "/amsbridge/buy",
		at.Elevate + "/sandbox/faults", at.Elevate + "/sign-out", at.Notified + "/sandbox/faults", at.Notified + "/sign-out",
	} {
		for _, forged := range []http.Header{
			{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}}, {"Origin": {"null"}},
		} {
			form := url.Values{
				"product": {"course-ethics"}, "quantity": {"0"}, "member": {"U-1002"}, "preset": {"down"}, "learner-course-ethics-1": {"U-1001"},
			}
			r := b.do(http.MethodPost, path, form, forged)
			require.Equal(t, http.StatusForbidden, r.status, "%s %v", path, forged)
			require.NotContains(t, r.header.Get("Content-Security-Policy"), "unsafe")
		}
	}
	require.Contains(t, b.get("/cart").body, "Ethics", "nothing was changed")
	require.Contains(t, b.get("/orders").body, "You have not ordered yet")
	require.Equal(t, "none\n", b.get(at.Elevate+"/sandbox/faults").body)
}

// Whoever has a token of their own cannot bring it to somebody else's browser from a page of theirs.
func TestFormsOfOtherSitesSignNobodyInAtElevate(t *testing.T) {
	t.Parallel()
	at := open(t, "")
	page := signIn(t, at.Shop, "U-1002").get(shop.HandOffPath + "?to=" + shop.ToElevate)
	token := url.Values{"token": {match(t, `name="token" value="([^"]*)"`, page.body)}}
	victim := newBrowser(t, at.Shop)
	for _, from := range []http.Header{
		{"Origin": {"https://evil.example"}},
		{"Origin": {"null"}},
		{},
		{"Origin": {at.Elevate}},
		{"Origin": {at.Notified}},
		{"Origin": {"http://127.0.0.1"}},
		{"Origin": {at.Shop, "https://evil.example"}},
		{"Origin": {at.Shop + ".evil.example"}},
	} {
		require.Equal(t, http.StatusForbidden, victim.do(http.MethodPost, at.Elevate+platforms.LoginPath, token, from).status, from)
		require.NotContains(t, victim.get(at.Elevate+"/").body, "James", from)
	}
	require.Contains(t, victim.walk(page).body, "James", "the shop's own form does, and the token was not used up")

	b := signIn(t, strings.Replace(at.Shop, "127.0.0.1", "localhost", 1), "U-1001")
	require.Contains(t, b.walk(b.get(shop.HandOffPath+"?to="+shop.ToElevate)).body, "Maria", "by the shop's other name")
}

func TestOriginsOfTheShop(t *testing.T) {
	t.Parallel()
	for at, want := range map[string][]string{
		"127.0.0.1:8080": {"http://127.0.0.1:8080", "http://localhost:8080"},
		"[::1]:80":       {"http://[::1]", "http://localhost"},
	} {
		addr, err := net.ResolveTCPAddr("tcp", at)
		require.NoError(t, err)
		require.Equal(t, want, originsOf(addr))
	}
}

// A page elsewhere can have its own name lead to this machine, and would read what it finds as its own.
func TestForeignHostNamesAreRefused(t *testing.T) {
	t.Parallel()
	at := open(t, "")
	for _, to := range []string{
		at.Shop + "/", at.Shop + "/learning", at.Shop + "/amsbridge/buy?product=course-ethics", at.Shop + "/none", at.Elevate + "/", at.Elevate + "/sandbox",
		at.Elevate + "/api/registration", at.Notified + "/", at.Notified + "/sandbox/journal.jsonl", at.Notified + "/scripts/Server.nxp",
	} {
		for host, want := range map[string]bool{"evil.example": false, "evil.example:8080": false, "localhost": true} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to, nil)
			require.NoError(t, err)
			r.Host = host
			resp, err := http.DefaultTransport.RoundTrip(r)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, want, resp.StatusCode != http.StatusMisdirectedRequest, "%s as %s", to, host)
			require.Contains(t, resp.Header.Get("Content-Security-Policy"), "default-src 'none'")
		}
	}
}

// What programs sent to the platforms, and what staff typed, cannot turn a page round.
func TestStoredTextIsInert(t *testing.T) {
	t.Parallel()
	at := open(t, "")
	b := newBrowser(t, at.Shop)
	const mark = "\u202egpj.exe\u2028\u2066\u200f"
	b.do(http.MethodPost, at.Notified+"/scripts/Server.nxp?LASCmd=AI:4;F:APIUTILS!50500", url.Values{"ExternalUserID": {"U-9" + mark}}, nil)
	b.do(http.MethodGet, at.Notified+"/scripts/Server.nxp?LASCmd=AI:4;F:APIUTILS!50500&OpCodeList=E"+url.QueryEscape(mark), nil, nil)
	for _, path := range []string{at.Notified + "/sandbox", at.Elevate + "/sandbox", "/sign-in?next=" + url.QueryEscape(mark)} {
		require.NotRegexp(t, `[\x{200e}\x{200f}\x{2028}\x{2029}\x{202a}-\x{202e}\x{2066}-\x{2069}]`, b.get(path).body, path)
	}
	require.Contains(t, b.get(at.Notified+"/sandbox").body, "U-9\uFFFDgpj.exe", "and it is shown")
}

func TestNonsenseIsAnswered(t *testing.T) {
	t.Parallel()
	at := open(t, "")
	b := signIn(t, at.Shop, "U-1001")
	for _, form := range [][]string{
		{"product", "<script>", "quantity", "1"},
		{"product", "course-ethics", "quantity", "-1"},
		{"product", "course-ethics", "quantity", "6"},
		{"product", "course-ethics", "quantity", "1e3"},
		{"product", "course-ethics"},
	} {
		require.Equal(t, http.StatusBadRequest, b.post("/cart", form...).status, "%v", form)
	}
	require.Equal(t, http.StatusConflict, b.post("/cart", "product", "event-simulation", "quantity", "1").status, "it is sold out")
	require.Equal(t, http.StatusBadRequest, b.post("/sign-in", "member", "U-9999").status)
	require.Equal(t, "/", b.post("/sign-in", "member", "U-1001", "next", "//evil.example").path)
	require.Equal(t, "/cart", b.post("/checkout").path, "an empty cart is not ordered")
	for _, path := range []string{"/orders/%3Cscript%3E", "/products/%3Cscript%3E", "/no-such-page", "/assets/shop.css", "/assets/..%2Fshop.go", "/sign-in/"} {
		r := b.get(path)
		require.Equal(t, http.StatusNotFound, r.status, path)
		require.NotContains(t, r.body, "<script>")
	}
	wrong := b.post("/learning")
	require.Equal(t, http.StatusMethodNotAllowed, wrong.status)
	require.Equal(t, "GET, HEAD", wrong.header.Get("Allow"))
	require.Equal(t, "GET, HEAD, POST", b.do(http.MethodPut, "/cart", nil, nil).header.Get("Allow"))
	require.Equal(t, http.StatusOK, b.do(http.MethodHead, "/", nil, nil).status)
	require.Equal(t, http.StatusForbidden, b.post(at.Elevate+platforms.LoginPath, "token", "eyJhbGciOiJub25lIn0.e30.").status)
	require.Equal(t, http.StatusNotFound, b.get(at.Elevate+"/products/none").status)
	require.NotContains(t, b.get(`/sign-in?back="><script>&next="><script>`).body, "<script")
	b.do(http.MethodPost, at.Elevate+"/api/registration", url.Values{"<script>": {"<script>"}}, nil)
	b.do(http.MethodPost, at.Notified+"/scripts/Server.nxp?LASCmd=AI:4;F:APIUTILS!50500", url.Values{"ExternalUserID": {"<script>"}}, nil)
	for _, sandbox := range []string{at.Elevate, at.Notified} {
		require.NotContains(t, b.get(sandbox+"/sandbox").body, "<script")
	}
	for _, to := range []string{"https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"} {
		in := b.walk(b.get("/amsbridge/hand-off?to=elevate&return_to=" + url.QueryEscape(to)))
		require.Equal(t, at.Elevate+"/", in.url, to)
	}
}

// Every page is closed to scripts and frames of others, has one head line and
// one main landmark, and needs no JavaScript.
func TestPagesAreClosedAndWellFormed(t *testing.T) {
	t.Parallel()
	at := open(t, "")
	b := signIn(t, at.Shop, "U-1001", "course-ethics", "event-gala", "book-handbook")
	placed := b.buy().path
	b.until("/learning", ">delivered<")
	b.post("/cart", "product", "course-infection", "quantity", "2")
	staff := signIn(t, at.Shop, "U-2001")
	b.walk(b.get("/amsbridge/hand-off?to=elevate"))
	pages := map[string]*browser{}
	for _, p := range []string{
		"/", "/products/course-ethics", "/products/event-simulation", "/cart", "/sign-in", "/checkout", placed, "/orders", "/learning", "/mail", "/staff", "/none",
		"/amsbridge/sign-out", "/amsbridge/buy?product=track-leadership",
		at.Elevate + "/", at.Elevate + "/products/course-ethics", at.Elevate + "/products/course-infection", at.Elevate + "/sandbox", at.Elevate + "/none",
		at.Notified + "/", at.Notified + "/sandbox", at.Notified + "/none",
	} {
		pages[p] = b
	}
	for _, p := range []string{"/staff", "/staff/orders", "/staff" + placed, "/staff/attention", "/staff/sign-ins"} {
		pages[p] = staff
	}
	for path, who := range pages {
		r := who.get(path)
		policy := r.header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'", path)
		require.Contains(t, policy, "frame-ancestors 'none'", path)
		require.NotContains(t, policy, "unsafe", path)
		require.Equal(t, "nosniff", r.header.Get("X-Content-Type-Options"), path)
		require.Equal(t, "no-store", r.header.Get("Cache-Control"), path)
		require.Equal(t, 1, strings.Count(r.body, "<h1"), path)
		require.Equal(t, 1, strings.Count(r.body, "<main"), path)
		require.Equal(t, 1, strings.Count(r.body, "<title>"), path)
		require.Contains(t, r.body, `<html lang="en">`, path)
		require.NotContains(t, r.body, "<script", path)
		require.NotContains(t, r.body, " style=", path)
		require.NotContains(t, r.body, "ZgotmplZ", path)
		if !strings.Contains(path, "/amsbridge/") {
			require.Contains(t, r.body, `<a class="skip" href="#main">`, path)
		}
	}
}
