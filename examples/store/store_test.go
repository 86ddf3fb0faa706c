package main

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func match(t *testing.T, pattern, text string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	require.NotNil(t, m, "%s is not in %s", pattern, text)
	return html.UnescapeString(m[1])
}

func TestFromSignInToMyLearning(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		base, elevate, notified := open(t, dsn)
		maria := signIn(t, base, "U-1001", "course-infection", "track-leadership", "book-handbook", "course-infection")
		cart := maria.get("/cart").body
		require.Equal(t, 1, strings.Count(cart, "Infection Control Basics"), "the cart holds one of each")
		require.Contains(t, cart, "$383.00")

		placed := maria.post("/checkout")
		require.Contains(t, placed.path, "/orders/W-")
		require.Contains(t, placed.body, "3 pushes were queued; 1 line is no platform’s")
		require.Contains(t, placed.body, "we send it by post")
		require.NotContains(t, placed.body, "needs attention")
		require.Equal(t, placed.path, maria.post("/checkout").path, "a second click shows the same order")

		maria.until("/learning", "in your registration on Notified")
		maria.until("/learning", `/products/course-infection"`)
		page := maria.until("/learning", `/products/track-leadership"`)
		require.Equal(t, 3, strings.Count(page, ">delivered<"))
		require.NotContains(t, page, "Member Handbook", "a book is no learning")
		require.NotContains(t, page, "refresh", "nothing is on its way")
		product := maria.get(match(t, `href="([^"]*/products/course-infection)"`, page))
		require.Equal(t, http.StatusOK, product.status)
		require.Contains(t, product.body, "Infection Control Basics")

		james := signIn(t, base, "U-1002")
		require.Equal(t, http.StatusNotFound, james.get(placed.path).status, "another member's order")
		require.NotContains(t, james.get("/learning").body, "Infection")
		require.Contains(t, james.get(elevate+"/").body, "course-infection")
		require.Contains(t, james.get(notified+"/").body, "10400, 10401")
	})
}

func TestUnmappedProductNeedsAttention(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		base, _, _ := open(t, dsn)
		b := signIn(t, base, "U-1003", "course-telehealth", "course-ethics")
		placed := b.post("/checkout").body
		require.Contains(t, placed, "1 push was queued; 1 line needs our attention")
		require.Contains(t, placed, "For staff: ")
		require.Contains(t, b.until("/learning", ">delivered<"), ">needs attention<")
	})
}

func TestOutageIsWaitedOut(t *testing.T) {
	t.Parallel()
	base, elevate, _ := open(t, "")
	b := signIn(t, base, "U-1001", "course-ethics")
	require.Contains(t, b.post(elevate+"/outage", "down", "yes").body, "Bring it back")
	require.Contains(t, b.post("/checkout").body, ">queued<")
	b.until(elevate+"/", "503")
	page := b.get("/learning").body
	require.Contains(t, page, ">queued<")
	require.Contains(t, page, "refresh", "the page looks again by itself")
	b.post(elevate+"/outage", "down", "no")
	b.until("/learning", ">delivered<")
}

func TestHandOff(t *testing.T) {
	t.Parallel()
	base, elevate, notified := open(t, "")
	b := signIn(t, base, "U-1002")
	form := b.post("/hand-off", "platform", "elevate")
	require.Equal(t, "no-store", form.header.Get("Cache-Control"))
	require.Equal(t, "no-referrer", form.header.Get("Referrer-Policy"))
	require.Contains(t, form.header.Get("Content-Security-Policy"), elevate)
	action, token := match(t, `action="(http[^"]*)"`, form.body), match(t, `name="token" value="([^"]*)"`, form.body)

	require.Equal(t, http.StatusForbidden, b.post(notified+doorPath, "token", token).status, "it is not Notified's")
	in := b.post(action, "token", token)
	require.Equal(t, http.StatusOK, in.status)
	require.Contains(t, in.body, "<strong>U-1002</strong>")
	require.Equal(t, http.StatusForbidden, b.post(action, "token", token).status, "it was used")
	require.Equal(t, http.StatusForbidden, b.post(action, "token", "eyJhbGciOiJub25lIn0.e30.").status)

	require.Equal(t, http.StatusBadRequest, b.post("/hand-off", "platform", "evil").status)
	require.NotContains(t, newBrowser(t, base).post("/hand-off", "platform", "elevate").body, "token", "nobody is signed in")
}

func TestTwoClicksPlaceOneOrder(t *testing.T) {
	t.Parallel()
	base, _, _ := open(t, "")
	b := signIn(t, base, "U-1001", "course-ethics")
	paths := make([]string, 8)
	var wg sync.WaitGroup
	for i := range paths {
		wg.Go(func() { paths[i] = b.post("/checkout").path })
	}
	wg.Wait()
	for _, p := range paths {
		require.Contains(t, p, "/orders/W-")
		require.Equal(t, paths[0], p)
	}
}

func TestForgedPostsAreRefused(t *testing.T) {
	t.Parallel()
	base, elevate, _ := open(t, "")
	b := signIn(t, base, "U-1001", "course-ethics")
	for _, path := range []string{"/sign-in", "/sign-out", "/cart/put", "/cart/remove", "/checkout", "/hand-off", elevate + "/outage"} {
		for _, forged := range []http.Header{
			{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}}, {"Origin": {"null"}},
		} {
			form := url.Values{"product": {"course-ethics"}, "member": {"U-1002"}, "platform": {"elevate"}, "down": {"yes"}}
			r := b.do(http.MethodPost, path, form, forged)
			require.Equal(t, http.StatusForbidden, r.status, "%s %v", path, forged)
		}
		if strings.HasPrefix(path, "/") {
			r := b.get(path)
			require.Equal(t, http.StatusMethodNotAllowed, r.status, path)
			require.Equal(t, "POST", r.header.Get("Allow"))
		}
	}
	require.Contains(t, b.get("/cart").body, "Ethics", "nothing was changed")
	require.Contains(t, b.get("/learning").body, "Nothing yet", "nothing was ordered")
	require.Contains(t, b.get(elevate+"/").body, "Take it down", "it is up")
	require.Equal(t, "GET, HEAD", b.post("/cart").header.Get("Allow"))
}

func TestNonsenseIsAnswered(t *testing.T) {
	t.Parallel()
	base, _, _ := open(t, "")
	b := signIn(t, base, "U-1001")
	require.Equal(t, http.StatusBadRequest, b.post("/cart/put", "product", "<script>").status)
	require.Equal(t, http.StatusBadRequest, b.post("/sign-in", "member", "U-9999").status)
	require.Equal(t, "/cart", b.post("/checkout").path, "an empty cart is not ordered")
	require.Equal(t, http.StatusNotFound, b.get("/orders/%3Cscript%3E").status)
	lost := b.get("/no-such-page")
	require.Equal(t, http.StatusNotFound, lost.status)
	require.Contains(t, lost.header.Get("Content-Security-Policy"), "default-src 'none'")
	require.Equal(t, http.StatusOK, b.do(http.MethodHead, "/", nil, nil).status)
	b.post("/sign-out")
	require.Contains(t, b.get("/learning").body, "Sign in")
}

func TestPagesEscape(t *testing.T) {
	t.Parallel()
	p, err := newPages()
	require.NoError(t, err)
	w := httptest.NewRecorder()
	p.show(w, http.StatusOK, "learning.html", page{Title: "<b>", Shop: &menu{Member: "<i>"}, Body: []progress{{
		OrderID: `"><script>`, Product: product{Title: "<script>"}, Steps: []step{{Platform: "Elevate", State: "delivered", Link: "javascript:alert(1)"}},
	}}})
	require.NotContains(t, w.Body.String(), "<script>")
	require.NotContains(t, w.Body.String(), "<i>")
	require.NotContains(t, w.Body.String(), `href="javascript:`)
}
