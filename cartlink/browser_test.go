package cartlink

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"

	"github.com/stretchr/testify/require"
)

// browser keeps cookies, and does not send SameSite=Strict ones after clicks on other sites.
type browser struct {
	env     *env
	cookies map[string]*http.Cookie
	// policy is the Referrer-Policy of the page that it shows.
	policy string
}

func (e *env) browser() *browser { return &browser{env: e, cookies: map[string]*http.Cookie{}} }

func (b *browser) do(r *http.Request, site string) *httptest.ResponseRecorder {
	if site != "" {
		r.Header.Set("Sec-Fetch-Site", site)
	}
	for _, c := range b.cookies {
		if site == "same-origin" || site == "none" || c.SameSite != http.SameSiteStrictMode {
			r.AddCookie(c)
		}
	}
	rec := httptest.NewRecorder()
	b.env.links.ServeHTTP(rec, r)
	require.Equal(b.env.t, "no-store", rec.Header().Get("Cache-Control"))
	policy := "no-referrer"
	if strings.Contains(rec.Body.String(), "<form") {
		policy = "same-origin"
	}
	require.Equal(b.env.t, policy, rec.Header().Get("Referrer-Policy"))
	if rec.Code == http.StatusOK {
		b.policy = policy
	}
	for _, c := range rec.Result().Cookies() {
		b.cookies[c.Name] = c
	}
	return rec
}

// get navigates to the URL from a page of that site.
func (b *browser) get(query, site string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/buy?"+query, nil)
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	return b.do(r, site)
}

// click follows a link on another site: the answer is a page of ours whose link the buyer then follows.
func (b *browser) click(query string) *httptest.ResponseRecorder {
	b.env.t.Helper()
	hop := b.get(query, "cross-site")
	require.Equal(b.env.t, http.StatusOK, hop.Code)
	_, next, ok := strings.Cut(hop.Body.String(), `content="0; url=/buy?`)
	require.True(b.env.t, ok, hop.Body)
	next, _, _ = strings.Cut(next, `"`)
	return b.get(html.UnescapeString(next), "same-origin")
}

// confirm submits a form for one of the product from a page of that site.
func (b *browser) confirm(product, site string) *httptest.ResponseRecorder {
	return b.submit(map[string]string{"product": product, "quantity": "1"}, site)
}

// submit submits a form from a page of that site.
func (b *browser) submit(fields map[string]string, site string) *httptest.ResponseRecorder {
	form := url.Values{}
	for name, value := range fields {
		form.Set(name, value)
	}
	r := httptest.NewRequest(http.MethodPost, "/buy", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	switch {
	case site == "cross-site":
		r.Header.Set("Origin", "https://evil.example")
	case site == "" && b.policy == "no-referrer": // as Fetch says in "append a request Origin header"
		r.Header.Set("Origin", "null")
	case site == "":
		r.Header.Set("Origin", "https://shop.example.org")
	}
	return b.do(r, site)
}

var field = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// fields returns the fields of the form in the answer.
func fields(rec *httptest.ResponseRecorder) map[string]string {
	got := map[string]string{}
	for _, m := range field.FindAllStringSubmatch(rec.Body.String(), -1) {
		got[html.UnescapeString(m[1])] = html.UnescapeString(m[2])
	}
	return got
}
