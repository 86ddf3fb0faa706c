package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/outbox"
)

// running is the whole program, started as a user does.
type running struct {
	t    *testing.T
	base string
	out  string // what it printed at start
	stop func() // ends it as Ctrl-C does, and waits
}

// start runs the program until the test ends.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	in, out := io.Pipe()
	var problems bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), out, &problems)
		_ = out.Close()
	}()
	stopped := false
	stop := func() {
		if cancel(); !stopped {
			stopped = true
			require.Zero(t, <-ended, "it stops in good order: %s", &problems)
		}
	}
	t.Cleanup(stop)
	var printed strings.Builder
	for chunk := make([]byte, 4096); !strings.Contains(printed.String(), "Ctrl-C"); {
		n, err := in.Read(chunk)
		require.NoError(t, err, "it printed nothing more: %s", printed.String())
		printed.Write(chunk[:n])
	}
	p := &running{t: t, out: printed.String(), stop: stop}
	p.base = regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(p.out)
	return p
}

// printed returns what stands after a label in what the program printed.
func (p *running) printed(label string) string {
	found := regexp.MustCompile(`(?m)^ *` + regexp.QuoteMeta(label) + ` +(\S+)`).FindStringSubmatch(p.out)
	require.NotNil(p.t, found, "%q in:\n%s", label, p.out)
	return found[1]
}

func (p *running) elevate() *elevate.Client {
	c, err := elevate.New(elevate.Config{
		Endpoint: p.printed("Registration API"), Credentials: elevate.Key(p.printed("key, sent as body")),
		Profile: elevate.GuessedProfile(), SendConfirmation: true, AllowLoopbackHTTP: true,
	})
	require.NoError(p.t, err)
	p.t.Cleanup(c.CloseIdleConnections)
	return c
}

func (p *running) notified() *notified.Client {
	c, err := notified.New(notified.Config{
		BaseURL: p.printed("API"), AuthCode: p.printed("APIUserAuthCode"), Credentials: p.printed("APIUserCredentials"), AllowLoopbackHTTP: true,
	})
	require.NoError(p.t, err)
	p.t.Cleanup(c.CloseIdleConnections)
	return c
}

type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a form, or nothing where there is none, and follows no redirect.
func (p *running) do(method, path string, form url.Values, header http.Header) answer {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, strings.NewReader(form.Encode()))
	require.NoError(p.t, err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range header {
		if req.Header[name] = values; name == "Host" {
			req.Host = values[0]
		}
	}
	resp, err := (&http.Client{
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}).Do(req)
	require.NoError(p.t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(p.t, err)
	require.NoError(p.t, resp.Body.Close())
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func (p *running) page() string {
	p.t.Helper()
	a := p.do(http.MethodGet, "/", nil, nil)
	require.Equal(p.t, http.StatusOK, a.status)
	return a.body
}

// post sends a form of names and values by turns, as the page's own does.
func (p *running) post(path string, form ...string) answer {
	p.t.Helper()
	v := url.Values{}
	for i := 0; i < len(form); i += 2 {
		v.Set(form[i], form[i+1])
	}
	return p.do(http.MethodPost, path, v, http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {p.base}})
}

func registration(user, product string) amsbridge.Grant {
	return amsbridge.Grant{
		Key:  "key-" + user + product,
		User: amsbridge.User{ID: amsbridge.UserID(user), FirstName: "Ada", LastName: "Example", Email: "ada@example.org"},
		Item: amsbridge.Item{RemoteProductID: product},
	}
}

func addOns(user string, keys ...int64) amsbridge.Grant {
	return amsbridge.Grant{
		Key: "key-" + user, User: amsbridge.User{ID: amsbridge.UserID(user)},
		Item: amsbridge.Item{ShowKey: 7001, AddOnKeys: keys},
	}
}

// outcome is that of a give: delivered where there was no error.
func outcome(t *testing.T, at amsbridge.Platform, g amsbridge.Grant) outbox.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := at.Give(ctx, g)
	if err == nil {
		return outbox.OutcomeDelivered
	}
	var failed *outbox.DeliveryError
	require.ErrorAs(t, err, &failed)
	return failed.Outcome
}

// configured writes a configuration file.
func configured(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sandbox.json")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// served is the program without its start, for what needs no connection.
func served(t *testing.T) (*sandboxes, http.Handler) {
	t.Helper()
	cfg, err := load("", "")
	require.NoError(t, err)
	s, err := newSandboxes(cfg, "http://127.0.0.1:8090")
	require.NoError(t, err)
	p, err := newPage(s)
	require.NoError(t, err)
	return s, p.handler(false)
}

func fetch(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "127.0.0.1:8090"
	h.ServeHTTP(w, r)
	return w
}

func writeBeside(file, name, text string) error {
	return os.WriteFile(filepath.Join(filepath.Dir(file), name), []byte(text), 0o600)
}
