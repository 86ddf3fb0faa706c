package main

import (
	"bufio"
	"context"
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
		own, drop, err := ownSchema(t.Context(), postgres(t))
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

// open runs the whole program until the test ends, and returns the addresses
// that it prints.
func open(t *testing.T, dsn string) (shop, elevate, notified string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, ports{"127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"}, dsn, in)
		_ = in.Close()
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended, "it stops in good order")
	})
	lines := bufio.NewScanner(out)
	address := func(what string) string {
		require.True(t, lines.Scan(), "it printed no address")
		require.Contains(t, lines.Text(), what)
		return "http://" + regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(lines.Text())
	}
	shop, elevate, notified = address("the shop"), address("Elevate"), address("Notified")
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return shop, elevate, notified
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
	status     int
	path, body string
	header     http.Header
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
	return reply{resp.StatusCode, resp.Request.URL.Path, string(body), resp.Header}
}

// until loads a page again until it holds the text.
func (b *browser) until(path, text string) string {
	b.t.Helper()
	var body string
	require.Eventually(b.t, func() bool {
		body = b.get(path).body
		return strings.Contains(body, text)
	}, 30*time.Second, 20*time.Millisecond, "the page %s never held %q", path, text)
	return body
}

// signIn also fills the cart.
func signIn(t *testing.T, base, member string, products ...string) *browser {
	t.Helper()
	b := newBrowser(t, base)
	require.Contains(t, b.post("/sign-in", "member", member).body, "Sign out")
	for _, p := range products {
		require.Equal(t, "/cart", b.post("/cart/put", "product", p).path)
	}
	return b
}
