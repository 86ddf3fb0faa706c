package ssokeys_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// lifetime is how long a set is kept whose answer has no max-age.
const lifetime = 5 * time.Minute

const keysURL = "https://shop.example.org/keys"

// issuer is a transport that answers what the test sets.
type issuer struct {
	calls  atomic.Int64
	mu     sync.Mutex
	status int
	header http.Header
	body   string
	err    error
	gate   chan struct{} // holds answers back until it is closed; may be nil
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.calls.Add(1)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.gate != nil {
		select {
		case <-i.gate:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if i.err != nil {
		return nil, i.err
	}
	return &http.Response{StatusCode: i.status, Header: i.header.Clone(), Body: io.NopCloser(strings.NewReader(i.body)), Request: r}, nil
}

func (i *issuer) answers(status int, body string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status, i.body, i.err = status, body, nil
}

func (i *issuer) fails(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err = err
}

// reports keeps what was reported.
type reports struct {
	mu  sync.Mutex
	all []string
}

func (r *reports) add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, err.Error())
}

func (r *reports) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.all, "\n")
}

func newRemote(t testing.TB, clock *keytest.Clock, change func(*ssokeys.RemoteConfig)) (*ssokeys.Remote, *issuer, *reports) {
	t.Helper()
	i, told := &issuer{status: http.StatusOK, header: http.Header{}}, &reports{}
	cfg := ssokeys.RemoteConfig{URL: keysURL, Transport: i, Now: clock.Now, Report: told.add}
	if change != nil {
		change(&cfg)
	}
	r, err := ssokeys.NewRemote(cfg)
	require.NoError(t, err)
	return r, i, told
}

// jwk writes a public key as an issuer would.
func jwk(t testing.TB, k ssokeys.SigningKey) string {
	t.Helper()
	public, err := k.Verification()
	require.NoError(t, err)
	text, err := json.Marshal(jose.JSONWebKey{Key: public.Public, KeyID: public.ID, Use: "sig"})
	require.NoError(t, err)
	return string(text)
}

func setOf(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

func asked(t testing.TB, r *ssokeys.Remote, id string) error {
	t.Helper()
	k, err := r.VerificationKey(t.Context(), id)
	if err == nil {
		require.Equal(t, id, k.ID)
	}
	return err
}

func TestRemoteKeysAreCached(t *testing.T) {
	t.Parallel()
	clock := keytest.NewClock(keytest.Time())
	r, i, _ := newRemote(t, clock, nil)
	i.answers(http.StatusOK, setOf(jwk(t, keytest.Generated(t, ssokeys.EdDSA, "a"))))
	for range 10 {
		require.NoError(t, asked(t, r, "a"))
	}
	require.EqualValues(t, 1, i.calls.Load())
	clock.Advance(lifetime*3/4 - 1)
	require.NoError(t, asked(t, r, "a"))
	require.EqualValues(t, 1, i.calls.Load())

	i.answers(http.StatusOK, setOf(jwk(t, keytest.Generated(t, ssokeys.EdDSA, "b"))))
	clock.Advance(1)
	require.NoError(t, asked(t, r, "a"), "who asks early does not wait")
	require.Eventually(t, func() bool { return asked(t, r, "b") == nil }, time.Minute, time.Millisecond)
	require.EqualValues(t, 2, i.calls.Load())
	require.ErrorIs(t, asked(t, r, "a"), ssokeys.ErrUnknown)

	i.answers(http.StatusOK, setOf())
	clock.Advance(lifetime)
	require.ErrorIs(t, asked(t, r, "b"), ssokeys.ErrUnknown, "who asks late waits, and an empty set revokes all")
}

func TestUnknownIDsFetchOnce(t *testing.T) {
	t.Parallel()
	clock := keytest.NewClock(keytest.Time())
	r, i, _ := newRemote(t, clock, nil)
	i.answers(http.StatusOK, setOf(jwk(t, keytest.Generated(t, ssokeys.EdDSA, "a"))))
	require.NoError(t, asked(t, r, "a"))
	flood := func() {
		var wg sync.WaitGroup
		for n := range 1000 {
			wg.Go(func() {
				_, err := r.VerificationKey(t.Context(), fmt.Sprintf("random-%d", n))
				if !errors.Is(err, ssokeys.ErrUnknown) {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
	}
	flood()
	require.EqualValues(t, 1, i.calls.Load(), "the set was fetched a moment ago")
	clock.Advance(30*time.Second - 1)
	flood()
	require.EqualValues(t, 1, i.calls.Load())
	clock.Advance(1)
	flood()
	require.EqualValues(t, 2, i.calls.Load())

	i.answers(http.StatusOK, setOf(jwk(t, keytest.Generated(t, ssokeys.EdDSA, "b"))))
	clock.Advance(30 * time.Second)
	require.NoError(t, asked(t, r, "b"), "a new key is found")

	i.fails(errors.New("refused"))
	clock.Advance(30 * time.Second)
	for range 100 {
		require.ErrorContains(t, asked(t, r, "c"), "not fetched", "nobody can say that it does not exist")
	}
	require.EqualValues(t, 4, i.calls.Load())
	clock.Advance(3 * time.Second)
	require.ErrorContains(t, asked(t, r, "c"), "not fetched")
	require.EqualValues(t, 5, i.calls.Load(), "a failed fetch is tried again sooner")
	require.NoError(t, asked(t, r, "b"))
}

func TestOneFetchForAllWhoWait(t *testing.T) {
	t.Parallel()
	r, i, _ := newRemote(t, keytest.NewClock(keytest.Time()), nil)
	i.answers(http.StatusOK, setOf(jwk(t, keytest.Generated(t, ssokeys.EdDSA, "a"))))
	i.gate = make(chan struct{})
	ended, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := r.VerificationKey(ended, "a")
		first <- err
	}()
	require.Eventually(t, func() bool { return i.calls.Load() == 1 }, time.Minute, time.Millisecond)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if _, err := r.VerificationKey(t.Context(), "a"); err != nil {
				t.Error(err)
			}
		})
	}
	cancel()
	require.ErrorIs(t, <-first, context.Canceled, "who gives up ends the fetch for nobody else")
	close(i.gate)
	wg.Wait()
	require.EqualValues(t, 1, i.calls.Load())
}

func TestStaleKeysServeWhileFetchesFail(t *testing.T) {
	t.Parallel()
	clock := keytest.NewClock(keytest.Time())
	r, i, told := newRemote(t, clock, func(c *ssokeys.RemoteConfig) { c.MaxStale = 2 * time.Hour })
	i.fails(errors.New("no route"))
	require.ErrorContains(t, asked(t, r, "a"), "no route", "there is nothing yet")
	i.answers(http.StatusOK, setOf(jwk(t, keytest.Generated(t, ssokeys.EdDSA, "a"))))
	require.ErrorContains(t, asked(t, r, "a"), "no route", "nor is it tried at once")
	clock.Advance(3 * time.Second)
	require.NoError(t, asked(t, r, "a"))
	fetched := clock.Now()
	for n, failure := range []func(){
		func() { i.fails(errors.New("no route")) },
		func() { i.answers(http.StatusInternalServerError, setOf()) },
		func() { i.answers(http.StatusNotFound, setOf()) },
		func() { i.answers(http.StatusNoContent, "") },
		func() { i.header.Set("Location", "https://evil.example"); i.answers(http.StatusFound, setOf()) },
		func() { i.answers(http.StatusOK, "<html>") },
		func() { i.answers(http.StatusOK, `{}`) },
		func() { i.answers(http.StatusOK, `{"keys":null}`) },
		func() { i.answers(http.StatusOK, `{"Keys":[]}`) },
		func() { i.answers(http.StatusOK, setOf()+"{}") },
		func() { i.answers(http.StatusOK, setOf()+strings.Repeat(" ", 256<<10)) },
		func() { i.answers(http.StatusOK, setOf(strings.Repeat("{},", 100)+"{}")) },
	} {
		failure()
		calls := i.calls.Load()
		clock.Set(fetched.Add(lifetime + time.Duration(n)*time.Minute))
		require.NoError(t, asked(t, r, "a"))
		require.Eventually(t, func() bool { return strings.Count(told.text(), "\n") == n+1 }, time.Minute, time.Millisecond)
		require.Equal(t, calls+1, i.calls.Load(), "no redirect is followed, and none is tried twice")
	}
	clock.Set(fetched.Add(2*time.Hour - 1))
	require.NoError(t, asked(t, r, "a"))
	clock.Set(fetched.Add(2 * time.Hour))
	require.ErrorContains(t, asked(t, r, "a"), "not fetched", "it fails closed")
	require.NotContains(t, told.text(), "shop.example.org")
	require.NotContains(t, told.text(), "evil")

	i.answers(http.StatusOK, setOf(jwk(t, keytest.Generated(t, ssokeys.EdDSA, "b"))))
	clock.Advance(3 * time.Second)
	require.NoError(t, asked(t, r, "b"))
	require.ErrorIs(t, asked(t, r, "a"), ssokeys.ErrUnknown)
}

func TestFetchTimesOut(t *testing.T) {
	t.Parallel()
	r, i, _ := newRemote(t, keytest.NewClock(keytest.Time()), func(c *ssokeys.RemoteConfig) { c.Timeout = time.Millisecond })
	i.gate = make(chan struct{})
	require.ErrorIs(t, asked(t, r, "a"), context.DeadlineExceeded)
}

func TestNewRemoteNamesTheBadField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		field string
		cfg   ssokeys.RemoteConfig
	}{
		{"URL", ssokeys.RemoteConfig{}},
		{"URL", ssokeys.RemoteConfig{URL: "shop.example.org/keys"}},
		{"URL", ssokeys.RemoteConfig{URL: "http://shop.example.org/keys"}},
		{"URL", ssokeys.RemoteConfig{URL: "http://shop.example.org/keys", InsecureLoopback: true}},
		{"URL", ssokeys.RemoteConfig{URL: "http://127.0.0.1/keys"}},
		{"URL", ssokeys.RemoteConfig{URL: "http://127.0.0.1.evil.example/keys", InsecureLoopback: true}},
		{"URL", ssokeys.RemoteConfig{URL: "https://user:pw@shop.example.org/keys"}},
		{"URL", ssokeys.RemoteConfig{URL: "https://shop.example.org/keys#a"}},
		{"URL", ssokeys.RemoteConfig{URL: "https:///keys"}},
		{"URL", ssokeys.RemoteConfig{URL: "file:///etc/keys"}},
		{"URL", ssokeys.RemoteConfig{URL: "https://shop.example.org:port/"}},
		{"RootCAs", ssokeys.RemoteConfig{URL: keysURL, Transport: &issuer{}, RootCAs: x509.NewCertPool()}},
		{"Timeout", ssokeys.RemoteConfig{URL: keysURL, Timeout: -1}},
		{"Timeout", ssokeys.RemoteConfig{URL: keysURL, Timeout: time.Minute + 1}},
		{"RefetchAfter", ssokeys.RemoteConfig{URL: keysURL, RefetchAfter: time.Millisecond}},
		{"RefetchAfter", ssokeys.RemoteConfig{URL: keysURL, RefetchAfter: time.Hour}},
		{"MaxStale", ssokeys.RemoteConfig{URL: keysURL, MaxStale: time.Minute}},
		{"MaxStale", ssokeys.RemoteConfig{URL: keysURL, MaxStale: 31 * 24 * time.Hour}},
	} {
		_, err := ssokeys.NewRemote(c.cfg)
		require.Equal(t, "ssokeys: RemoteConfig."+c.field, keytest.BadField(t, err), c.cfg.URL)
	}
	for _, url := range []string{"http://localhost:8080/keys", "http://127.0.0.1/keys", "http://[::1]:1/keys?tenant=7"} {
		_, err := ssokeys.NewRemote(ssokeys.RemoteConfig{URL: url, InsecureLoopback: true})
		require.NoError(t, err)
	}
}
