package amsbridge

import (
	"context"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

const keysURL = "https://shop.example.org/keys"

// issuer is a transport that answers as the test says.
type issuer struct {
	calls  atomic.Int64
	mu     sync.Mutex
	status int
	header http.Header
	body   string
	err    error
	gate   chan struct{} // answers wait for it, if there is one
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

func newRemote(t testing.TB, clock *testClock, change func(*RemoteKeysConfig)) (*RemoteKeys, *issuer, *reports) {
	t.Helper()
	i, told := &issuer{status: http.StatusOK, header: http.Header{}}, &reports{}
	cfg := RemoteKeysConfig{URL: keysURL, Transport: i, Now: clock.now, Report: told.add}
	if change != nil {
		change(&cfg)
	}
	r, err := NewRemoteKeys(cfg)
	require.NoError(t, err)
	return r, i, told
}

// jwk writes a public key as an issuer would.
func jwk(t testing.TB, k SigningKey) string {
	t.Helper()
	public, err := k.Verification()
	require.NoError(t, err)
	text, err := json.Marshal(jose.JSONWebKey{Key: public.Public, KeyID: public.ID, Use: "sig"})
	require.NoError(t, err)
	return string(text)
}

func setOf(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

func asked(t testing.TB, r *RemoteKeys, id string) error {
	t.Helper()
	k, err := r.VerificationKey(t.Context(), id)
	if err == nil {
		require.Equal(t, id, k.ID)
	}
	return err
}

func TestRemoteKeysVerify(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return handOffTime }
	sso, _ := ringSSO(t, now, RingKey{Key: generated(t, ES256, "a")})
	h, err := NewJWKS(JWKSConfig{SSO: sso})
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // a stranger's handshake fails
	server.StartTLS()
	defer server.Close()
	pool := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	remote, err := NewRemoteKeys(RemoteKeysConfig{URL: server.URL, RootCAs: pool, Now: now, Timeout: time.Minute})
	require.NoError(t, err)
	got, err := sourceVerifier(t, remote, now).Verify(t.Context(), minted(t, sso))
	require.NoError(t, err)
	require.Equal(t, UserID("U-1"), got.User.ID)

	told := &reports{}
	stranger, err := NewRemoteKeys(RemoteKeysConfig{URL: server.URL, Now: now, Timeout: time.Minute, Report: told.add})
	require.NoError(t, err)
	_, err = sourceVerifier(t, stranger, now).Verify(t.Context(), minted(t, sso))
	require.ErrorIs(t, err, ErrInvalidToken, "an unknown certificate")
	_, err = stranger.VerificationKey(t.Context(), "a")
	require.ErrorContains(t, err, "certificate")
	require.NotContains(t, err.Error(), server.URL)
}

func TestRemoteKeysAreCached(t *testing.T) {
	t.Parallel()
	clock := newTestClock(handOffTime)
	r, i, _ := newRemote(t, clock, nil)
	i.answers(http.StatusOK, setOf(jwk(t, generated(t, EdDSA, "a"))))
	for range 10 {
		require.NoError(t, asked(t, r, "a"))
	}
	require.EqualValues(t, 1, i.calls.Load())
	clock.advance(setLifetime*3/4 - 1)
	require.NoError(t, asked(t, r, "a"))
	require.EqualValues(t, 1, i.calls.Load())

	i.answers(http.StatusOK, setOf(jwk(t, generated(t, EdDSA, "b"))))
	clock.advance(1)
	require.NoError(t, asked(t, r, "a"), "who asks early does not wait")
	require.Eventually(t, func() bool { return asked(t, r, "b") == nil }, time.Minute, time.Millisecond)
	require.EqualValues(t, 2, i.calls.Load())
	require.ErrorIs(t, asked(t, r, "a"), ErrUnknownKey)

	i.answers(http.StatusOK, setOf())
	clock.advance(setLifetime)
	require.ErrorIs(t, asked(t, r, "b"), ErrUnknownKey, "who asks late waits, and an empty set revokes all")
}

func TestUnknownIDsFetchOnce(t *testing.T) {
	t.Parallel()
	clock := newTestClock(handOffTime)
	r, i, _ := newRemote(t, clock, nil)
	i.answers(http.StatusOK, setOf(jwk(t, generated(t, EdDSA, "a"))))
	require.NoError(t, asked(t, r, "a"))
	flood := func() {
		var wg sync.WaitGroup
		for n := range 1000 {
			wg.Go(func() {
				_, err := r.VerificationKey(t.Context(), fmt.Sprintf("random-%d", n))
				if !errors.Is(err, ErrUnknownKey) {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
	}
	flood()
	require.EqualValues(t, 1, i.calls.Load(), "the set was fetched a moment ago")
	clock.advance(30*time.Second - 1)
	flood()
	require.EqualValues(t, 1, i.calls.Load())
	clock.advance(1)
	flood()
	require.EqualValues(t, 2, i.calls.Load())

	i.answers(http.StatusOK, setOf(jwk(t, generated(t, EdDSA, "b"))))
	clock.advance(30 * time.Second)
	require.NoError(t, asked(t, r, "b"), "a new key is found")

	i.fails(errors.New("refused"))
	clock.advance(30 * time.Second)
	for range 100 {
		require.ErrorContains(t, asked(t, r, "c"), "not fetched", "nobody can say that it does not exist")
	}
	require.EqualValues(t, 4, i.calls.Load())
	clock.advance(3 * time.Second)
	require.ErrorContains(t, asked(t, r, "c"), "not fetched")
	require.EqualValues(t, 5, i.calls.Load(), "a failed fetch is tried again sooner")
	require.NoError(t, asked(t, r, "b"))
}

func TestOneFetchForAllWhoWait(t *testing.T) {
	t.Parallel()
	r, i, _ := newRemote(t, newTestClock(handOffTime), nil)
	i.answers(http.StatusOK, setOf(jwk(t, generated(t, EdDSA, "a"))))
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
	clock := newTestClock(handOffTime)
	r, i, told := newRemote(t, clock, func(c *RemoteKeysConfig) { c.MaxStale = 2 * time.Hour })
	i.fails(errors.New("no route"))
	require.ErrorContains(t, asked(t, r, "a"), "no route", "there is nothing yet")
	i.answers(http.StatusOK, setOf(jwk(t, generated(t, EdDSA, "a"))))
	require.ErrorContains(t, asked(t, r, "a"), "no route", "nor is it tried at once")
	clock.advance(3 * time.Second)
	require.NoError(t, asked(t, r, "a"))
	fetched := clock.now()
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
		func() { i.answers(http.StatusOK, setOf()+strings.Repeat(" ", maxSetBytes)) },
		func() { i.answers(http.StatusOK, setOf(strings.Repeat("{},", maxSetKeys)+"{}")) },
	} {
		failure()
		calls := i.calls.Load()
		clock.set(fetched.Add(setLifetime + time.Duration(n)*time.Minute))
		require.NoError(t, asked(t, r, "a"))
		require.Eventually(t, func() bool { return strings.Count(told.text(), "\n") == n+1 }, time.Minute, time.Millisecond)
		require.Equal(t, calls+1, i.calls.Load(), "no redirect is followed, and none is tried twice")
	}
	clock.set(fetched.Add(2*time.Hour - 1))
	require.NoError(t, asked(t, r, "a"))
	clock.set(fetched.Add(2 * time.Hour))
	require.ErrorContains(t, asked(t, r, "a"), "not fetched", "it fails closed")
	require.NotContains(t, told.text(), "shop.example.org")
	require.NotContains(t, told.text(), "evil")

	i.answers(http.StatusOK, setOf(jwk(t, generated(t, EdDSA, "b"))))
	clock.advance(3 * time.Second)
	require.NoError(t, asked(t, r, "b"))
	require.ErrorIs(t, asked(t, r, "a"), ErrUnknownKey)
}

func TestFetchTimesOut(t *testing.T) {
	t.Parallel()
	r, i, _ := newRemote(t, newTestClock(handOffTime), func(c *RemoteKeysConfig) { c.Timeout = time.Millisecond })
	i.gate = make(chan struct{})
	require.ErrorIs(t, asked(t, r, "a"), context.DeadlineExceeded)
}

func TestRemoteKeysTakeFitKeysOnly(t *testing.T) {
	t.Parallel()
	good := jwk(t, generated(t, EdDSA, "good"))
	private := func(k SigningKey) string {
		text, err := json.Marshal(jose.JSONWebKey{Key: k.Private, KeyID: "bad"})
		require.NoError(t, err)
		return string(text)
	}
	public := func(key any) string {
		text, err := json.Marshal(jose.JSONWebKey{Key: key, KeyID: "bad"})
		require.NoError(t, err)
		return string(text)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	ed := jwk(t, generated(t, EdDSA, "bad"))
	other := jwk(t, generated(t, ES256, "bad"))
	also := func(member string) string { return strings.Replace(ed, "{", "{"+member+",", 1) }
	for name, c := range map[string]struct{ key, problem string }{
		"a shared secret":              {`{"kty":"oct","kid":"bad","k":"` + b64(strings.Repeat("0123456789abcdef", 2)) + `"}`, "private key or a secret"},
		"a secret without its value":   {`{"kty":"oct","kid":"bad"}`, "JWK"},
		"private EdDSA":                {private(generated(t, EdDSA, "bad")), "private key or a secret"},
		"private ES256":                {private(generated(t, ES256, "bad")), "private key or a secret"},
		"private RS256":                {private(generated(t, RS256, "bad")), "private key or a secret"},
		"a private member, null":       {also(`"d":null`), "private key or a secret"},
		"for encryption":               {strings.Replace(ed, `"sig"`, `"enc"`, 1), "use"},
		"for signing":                  {also(`"key_ops":["sign"]`), "key_ops"},
		"key_ops no list":              {also(`"key_ops":"verify"`), "key_ops"},
		"another algorithm":            {also(`"alg":"ES256"`), "algorithm"},
		"alg none":                     {also(`"alg":"none"`), "algorithm"},
		"RSA for PS256":                {strings.Replace(public(rsaKey().Public()), "{", `{"alg":"PS256",`, 1), "algorithm"},
		"P-384":                        {public(newECDSA(t, elliptic.P384()).Public()), "P-256"},
		"a point off the curve":        {strings.Replace(other, `"x":"`, `"x":"AAAA`, 1), "JWK"},
		"small RSA":                    {public(small.Public()), "2048"},
		"RSA with exponent 3":          {public(&rsa.PublicKey{N: rsaKey().N, E: 3}), "65537"},
		"Ed25519 of zeros":             {`{"kty":"OKP","crv":"Ed25519","kid":"bad","x":"` + strings.Repeat("A", 43) + `"}`, "JWK"},
		"X25519":                       {`{"kty":"OKP","crv":"X25519","kid":"bad","x":"` + strings.Repeat("A", 43) + `"}`, "JWK"},
		"an unknown type":              {`{"kty":"AKP","kid":"bad"}`, "JWK"},
		"no type":                      {`{"kid":"bad"}`, "JWK"},
		"kid a path":                   {strings.Replace(ed, `"bad"`, `"../bad"`, 1), "id"},
		"kid a number":                 {strings.Replace(ed, `"bad"`, `7`, 1), "JWK"},
		"a member twice":               {also(`"x":"` + strings.Repeat("B", 43) + `"`), "JWK"},
		"no object":                    {`"bad"`, "object"},
		"null":                         {`null`, "JWK"},
		"a list":                       {`[` + ed + `]`, "object"},
		"an ID twice":                  {ed + "," + other, "its ID is that of keys[1]"},
		"a key twice":                  {ed + "," + ed, "its ID is that of keys[1]"},
		"an ID three times":            {ed + "," + other + "," + ed, "its ID is that of keys[1]"},
		"the ID of one that was unfit": {strings.Replace(ed, `"sig"`, `"enc"`, 1) + "," + other, "its ID is that of keys[1]"},
		"the ID of one that is unfit":  {other + "," + strings.Replace(ed, `"sig"`, `"enc"`, 1), "its ID is that of keys[1]"},
	} {
		r, i, told := newRemote(t, newTestClock(handOffTime), nil)
		i.answers(http.StatusOK, setOf(good, c.key))
		require.NoError(t, asked(t, r, "good"), name)
		require.ErrorIs(t, asked(t, r, "bad"), ErrUnknownKey, name)
		require.Equal(t, "RemoteKeys(1 keys)", fmt.Sprint(r), name)
		require.Eventually(t, func() bool { return told.text() != "" }, time.Minute, time.Millisecond, name)
		require.Contains(t, told.text(), c.problem, name)
		require.NotContains(t, told.text(), "bad", name)
		require.EqualValues(t, 1, i.calls.Load(), name)
	}
	for name, key := range map[string]string{
		"no use":            strings.Replace(ed, `"use":"sig",`, ``, 1),
		"to verify":         also(`"key_ops":["sign","verify"]`),
		"its own algorithm": also(`"alg":"EdDSA"`),
		"unknown members":   also(`"x-note":{"a":[1]},"x5u":"https://evil.example/"`),
	} {
		r, i, _ := newRemote(t, newTestClock(handOffTime), nil)
		i.answers(http.StatusOK, setOf(good, key))
		require.NoError(t, asked(t, r, "bad"), name)
		require.EqualValues(t, 1, i.calls.Load(), "nothing in a set leads elsewhere")
	}
}

// A key without kid goes by its thumbprint, as ours do.
func TestRemoteKeyWithoutKID(t *testing.T) {
	t.Parallel()
	key := generated(t, EdDSA, "")
	named, err := key.Verification()
	require.NoError(t, err)
	r, i, _ := newRemote(t, newTestClock(handOffTime), nil)
	i.answers(http.StatusOK, setOf(strings.Replace(jwk(t, key), `"kid":"`+named.ID+`",`, "", 1)))
	require.NotContains(t, i.body, "kid")
	require.NoError(t, asked(t, r, named.ID))
}

func TestLifetimeOfASet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cache, age string
		want       time.Duration
	}{
		{"", "", setLifetime},
		{"public", "", setLifetime},
		{"public, max-age=600", "", 10 * time.Minute},
		{"MAX-AGE=\"600\"", "", 10 * time.Minute},
		{"public,max-age=600", "120", 8 * time.Minute},
		{"max-age=600", "-120", 10 * time.Minute},
		{"max-age=600", "99999999999999999999", minSetLifetime},
		{"max-age=0", "", minSetLifetime},
		{"max-age=-1", "", setLifetime},
		{"max-age=1e3", "", setLifetime},
		{"max-age=", "", setLifetime},
		{"max-age=86400", "", maxSetLifetime},
		{"max-age=9223372036854775808", "", maxSetLifetime},
		{"max-age=9223372036", "", maxSetLifetime},
		{"max-age=600, no-cache", "", minSetLifetime},
		{"No-Store", "", minSetLifetime},
	} {
		require.Equal(t, c.want, lifetimeOf(http.Header{"Cache-Control": {c.cache}, "Age": {c.age}}), c)
	}
}

func TestNewRemoteKeysNamesTheBadField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		field string
		cfg   RemoteKeysConfig
	}{
		{"URL", RemoteKeysConfig{}},
		{"URL", RemoteKeysConfig{URL: "shop.example.org/keys"}},
		{"URL", RemoteKeysConfig{URL: "http://shop.example.org/keys"}},
		{"URL", RemoteKeysConfig{URL: "http://shop.example.org/keys", InsecureLoopback: true}},
		{"URL", RemoteKeysConfig{URL: "http://127.0.0.1/keys"}},
		{"URL", RemoteKeysConfig{URL: "http://127.0.0.1.evil.example/keys", InsecureLoopback: true}},
		{"URL", RemoteKeysConfig{URL: "https://user:pw@shop.example.org/keys"}},
		{"URL", RemoteKeysConfig{URL: "https://shop.example.org/keys#a"}},
		{"URL", RemoteKeysConfig{URL: "https:///keys"}},
		{"URL", RemoteKeysConfig{URL: "file:///etc/keys"}},
		{"URL", RemoteKeysConfig{URL: "https://shop.example.org:port/"}},
		{"root CAs", RemoteKeysConfig{URL: keysURL, Transport: &issuer{}, RootCAs: x509.NewCertPool()}},
		{"timeout", RemoteKeysConfig{URL: keysURL, Timeout: -1}},
		{"timeout", RemoteKeysConfig{URL: keysURL, Timeout: time.Minute + 1}},
		{"refetch after", RemoteKeysConfig{URL: keysURL, RefetchAfter: time.Millisecond}},
		{"refetch after", RemoteKeysConfig{URL: keysURL, RefetchAfter: time.Hour}},
		{"max stale", RemoteKeysConfig{URL: keysURL, MaxStale: time.Minute}},
		{"max stale", RemoteKeysConfig{URL: keysURL, MaxStale: 31 * 24 * time.Hour}},
	} {
		_, err := NewRemoteKeys(c.cfg)
		require.Equal(t, c.field, badField(t, err), c.cfg.URL)
	}
	for _, url := range []string{"http://localhost:8080/keys", "http://127.0.0.1/keys", "http://[::1]:1/keys?tenant=7"} {
		_, err := NewRemoteKeys(RemoteKeysConfig{URL: url, InsecureLoopback: true})
		require.NoError(t, err)
	}
}

// FuzzKeySet: whatever an issuer answers, what is taken of it is a public key of
// the three kinds, under an ID that stands in it once.
func FuzzKeySet(f *testing.F) {
	key := generated(f, EdDSA, "a")
	good := jwk(f, key)
	for _, seed := range []string{
		setOf(), setOf(good), setOf(good, good), setOf(jwk(f, generated(f, ES256, "b")), jwk(f, generated(f, RS256, "c"))),
		setOf(`{"kty":"oct","k":"AAAA"}`), setOf(strings.Replace(good, "{", `{"d":"AA",`, 1)), setOf(strings.Replace(good, "{", `{"x5c":["AA"],`, 1)),
		`{"keys":{}}`, `[]`, `{"keys":[[[[]]]]}`, "{\"keys\":[{\"kid\":\"\xff\"}]}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		set, err := parseKeySet(body)
		if err != nil {
			require.Empty(t, set.keys)
			return
		}
		require.LessOrEqual(t, len(set.keys), maxSetKeys)
		for id, k := range set.keys {
			require.Equal(t, id, k.id)
			require.Empty(t, keyIDProblem(id))
			require.False(t, k.shared())
			_, _, problem := k.exported().check()
			require.Empty(t, problem)
			require.Contains(t, []Algorithm{ES256, EdDSA, RS256}, Algorithm(k.method.Alg()))
		}
		for _, err := range set.refused {
			require.Less(t, len(err.Error()), 200)
		}
	})
}
