package main

import (
	"context"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/examples/store/shop"
)

// onBoth runs a test on SQLite and on PostgreSQL, each with a database of its
// own.
func onBoth(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, filepath.Join(t.TempDir(), "shop.sqlite"))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		own, drop, err := shop.OwnSchema(t.Context(), postgres(t))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, drop(context.Background())) })
		test(t, own)
	})
}

func postgres(t *testing.T) string {
	t.Helper()
	const variable = "AMSBRIDGE_TEST_POSTGRES"
	dsn := os.Getenv(variable)
	if dsn != "" && dsn != "none" {
		return dsn
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(variable + " names no server")
	}
	t.Skip("NOT TESTED on PostgreSQL: " + variable + " names no server")
	return ""
}

// town is the whole program at work.
type town struct{ Shop, Elevate, Notified string }

// open runs the whole program until the test ends.
func open(t *testing.T, dsn string) town {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		o := options{addr: "127.0.0.1:0", dsn: dsn, json: true}
		err := o.sandboxAddrs()
		if err == nil {
			err = serve(ctx, o, in)
		}
		_ = in.CloseWithError(err)
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended, "it stops in good order")
	})
	var where town
	require.NoError(t, json.NewDecoder(out).Decode(&where))
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return where
}

// browser has cookies and follows redirects.
type browser struct {
	t      *testing.T
	base   string
	client *http.Client
}

func newBrowser(t *testing.T, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{t, base, &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

type reply struct {
	status          int
	url, path, body string
	header          http.Header
}

// get takes a path, or a whole URL.
func (b *browser) get(to string) reply { return b.do(http.MethodGet, to, nil, nil) }

// post sends a form of names and values by turns.
func (b *browser) post(to string, form ...string) reply {
	v := url.Values{}
	for i := 0; i < len(form); i += 2 {
		v.Set(form[i], form[i+1])
	}
	return b.do(http.MethodPost, to, v, http.Header{"Sec-Fetch-Site": {"same-origin"}})
}

func (b *browser) do(method, to string, form url.Values, header http.Header) reply {
	b.t.Helper()
	if strings.HasPrefix(to, "/") {
		to = b.base + to
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, to, strings.NewReader(form.Encode()))
	require.NoError(b.t, err)
	for name, values := range header {
		req.Header[name] = values
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.client.Do(req)
	require.NoError(b.t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	require.NoError(b.t, resp.Body.Close())
	return reply{resp.StatusCode, resp.Request.URL.String(), resp.Request.URL.Path, string(body), resp.Header}
}

// How long a page may take to become what it shall be, and how often one looks.
const (
	waitAtMost = 30 * time.Second
	waitEach   = 20 * time.Millisecond
)

// until loads a page again until it holds the text.
func (b *browser) until(path, text string) string {
	b.t.Helper()
	return b.untilCount(path, text, 1)
}

// untilCount loads a page again until it holds the text so many times.
func (b *browser) untilCount(path, text string, times int) string {
	b.t.Helper()
	var body string
	require.Eventually(b.t, func() bool {
		body = b.get(path).body
		return strings.Count(body, text) >= times
	}, waitAtMost, waitEach, "the page %s never held %q %d times", path, text, times)
	return body
}

// signIn also fills the cart.
func signIn(t *testing.T, base, member string, products ...string) *browser {
	t.Helper()
	b := newBrowser(t, base)
	require.Contains(t, b.post("/sign-in", "member", member).body, "Sign out")
	for _, p := range products {
		require.Equal(t, "/cart", b.post("/cart", "product", p, "quantity", "1").path)
	}
	return b
}

// buy places the order of the cart, with these choices of the form.
func (b *browser) buy(choices ...string) reply {
	b.t.Helper()
	form := []string{}
	for _, f := range regexp.MustCompile(`<select id="(learner-[^"]+)"`).FindAllStringSubmatch(b.get("/checkout").body, -1) {
		form = append(form, f[1], memberOf(b.get("/checkout").body))
	}
	return b.post("/checkout", append(form, choices...)...)
}

// memberOf is who a page's visitor is.
func memberOf(page string) string {
	name := regexp.MustCompile(`Signed in as <strong>([^<]+)<`).FindStringSubmatch(page)
	for _, m := range shop.Members() {
		if len(name) > 1 && m.Name() == html.UnescapeString(name[1]) {
			return string(m.ID)
		}
	}
	return ""
}

// walk sends the form of a hand-off's page, as its button does.
func (b *browser) walk(page reply) reply {
	b.t.Helper()
	action, token := match(b.t, `action="(http[^"]*)"`, page.body), match(b.t, `name="token" value="([^"]*)"`, page.body)
	return b.do(http.MethodPost, action, url.Values{"token": {token}}, http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {b.base}})
}

func match(t *testing.T, pattern, text string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	require.NotNil(t, m, "%s is not in %s", pattern, text)
	return html.UnescapeString(m[1])
}
