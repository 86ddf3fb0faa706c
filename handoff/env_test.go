package handoff

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssoverify"
)

const (
	shop   = "https://shop.example.org"
	learn  = "https://learn.example.org"
	events = "https://events.example.org"

	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// env is a shop with its hand-offs. The test sets what its functions return.
type env struct {
	t        *testing.T
	now      time.Time
	user     amsbridge.User
	userErr  error
	session  string
	ended    int
	mint     func(amsbridge.UserID, amsbridge.Product) (string, error)
	records  []outbox.Record
	findErr  error
	audited  []amsbridge.SSOEvent
	cfg      Config
	handlers *Handlers
	sso      *amsbridge.SSO
	keys     *ssokeys.Ring
}

func newEnv(t *testing.T, change func(*Config)) *env {
	t.Helper()
	e := &env{
		t: t, now: time.Unix(1_800_000_000, 0).UTC(), session: "s-1",
		user: amsbridge.User{ID: "U-1", FirstName: "Ada", Email: "ada@example.org"},
	}
	key, err := ssokeys.Generate(ssokeys.EdDSA)
	require.NoError(t, err)
	e.keys, err = ssokeys.NewRing(ssokeys.RingConfig{Keys: []ssokeys.RingKey{{Key: key}}, Now: e.clock})
	require.NoError(t, err)
	e.sso, err = amsbridge.NewSSO(amsbridge.SSOConfig{
		Issuer: shop, Audit: e.audit, Now: e.clock,
		Audiences: []amsbridge.Audience{
			{Name: "elevate", Audience: learn, Keys: e.keys, ReturnOrigins: []string{learn}, DefaultReturn: "/home"},
			{Name: "query", Audience: "https://query.example.org", Keys: e.keys},
			{Name: "pull", Audience: "https://pull.example.org", Keys: e.keys},
		},
	})
	require.NoError(t, err)
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
		{ID: "course", RemoteProductID: "C-1"},
		{ID: "dinner", ShowKey: 7, AddOnKeys: []int64{1}},
		{ID: "membership", Includes: []string{"course", "dinner"}},
	}})
	require.NoError(t, err)
	standing, err := amsbridge.NewStanding(inspector{env: e})
	require.NoError(t, err)
	e.cfg = Config{
		SSO: e.sso, Catalog: catalog, Standing: standing, SignIn: "/sign-in?from=sso", StateKey: randomBytes(32),
		CurrentUser: func(*http.Request) (amsbridge.User, error) { return e.user, e.userErr },
		SessionID:   func(*http.Request) (string, error) { return e.session, nil },
		EndSession:  func(http.ResponseWriter, *http.Request) error { e.ended++; return nil },
		Audit:       e.audit, Now: e.clock,
		Platforms: []Platform{
			{Name: "elevate", Title: "Elevate", URL: learn + "/walk-in", Destination: "elevate"},
			{Name: "query", URL: "https://query.example.org/in?lang=en", Way: ByQuery, TokenParam: "jwt"},
			{
				Name: "pull", URL: "https://pull.example.org/", Way: ByCookie,
				Cookie: PullCookie{Name: "__Secure-ams", Domain: "example.org"},
			},
			{Name: "notified", Title: "Notified", Way: ByTicket, Tickets: e, Destination: "notified"},
		},
	}
	if change != nil {
		change(&e.cfg)
	}
	e.handlers, err = New(e.cfg)
	require.NoError(t, err)
	return e
}

func (e *env) clock() time.Time { return e.now }

func (e *env) audit(_ context.Context, event amsbridge.SSOEvent) {
	e.audited = append(e.audited, event)
}

// MintTicket stands in for Notified's.
func (e *env) MintTicket(_ context.Context, u amsbridge.UserID, p amsbridge.Product) (string, error) {
	return e.mint(u, p)
}

// inspector has the one method of a store that a standing uses.
type inspector struct {
	outbox.Inspector
	env *env
}

func (i inspector) Find(_ context.Context, q outbox.Query) (found []outbox.Record, err error) {
	for _, r := range i.env.records {
		if r.Person == q.Person && r.Association() == q.Association {
			found = append(found, r)
		}
	}
	return found, i.env.findErr
}

// registered returns a stored registration of the user for a product on Elevate.
func (e *env) registered(remoteProductID string, state outbox.State) outbox.Record {
	e.t.Helper()
	facts, err := json.Marshal(map[string]any{
		"user_id": e.user.ID, "item": amsbridge.Item{RemoteProductID: remoteProductID}, "turn": 1,
	})
	require.NoError(e.t, err)
	return outbox.Record{State: state, Message: outbox.Message{
		Destination: "elevate", Kind: amsbridge.KindGive, Version: 1, Person: string(e.user.ID),
		Subject: "o", Items: []string{"1"}, Facts: facts,
	}}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return b
}

// get calls Start like a browser that navigates.
func (e *env) get(query string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	e.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/sso/hand-off?"+query, nil)
	for _, c := range change {
		c(r)
	}
	rec := httptest.NewRecorder()
	e.handlers.Start().ServeHTTP(rec, r)
	wantPrivate(e.t, rec)
	require.Equal(e.t, "no-referrer", rec.Header().Get("Referrer-Policy"))
	return rec
}

// wantPrivate wants an answer that no cache keeps, and one with a cookie to say so twice.
func wantPrivate(t *testing.T, rec *httptest.ResponseRecorder) {
	t.Helper()
	want := "no-store"
	if len(rec.Result().Cookies()) > 0 {
		want = "private, no-store"
	}
	require.Equal(t, []string{want}, rec.Header().Values("Cache-Control"))
	require.Equal(t, []string{"Cookie"}, rec.Header().Values("Vary"))
}

// signOut calls SignOut, with a form for POST.
func (e *env) signOut(method, proof string) *httptest.ResponseRecorder {
	e.t.Helper()
	r := httptest.NewRequest(method, "/sso/sign-out", strings.NewReader(url.Values{"proof": {proof}}.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", formType)
	}
	rec := httptest.NewRecorder()
	e.handlers.SignOut().ServeHTTP(rec, r)
	wantPrivate(e.t, rec)
	return rec
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

// verify verifies a hand-off like the platform.
func (e *env) verify(audience, token string) ssoverify.HandOff {
	e.t.Helper()
	v, err := ssoverify.New(ssoverify.Config{
		Issuer: shop, Audience: audience, KeySource: e.keys, Replay: ssoverify.NewMemoryReplay(e.clock),
		ReturnOrigins: []string{learn}, Audit: quiet, Now: e.clock,
	})
	require.NoError(e.t, err)
	h, err := v.Verify(e.t.Context(), token)
	require.NoError(e.t, err)
	return h
}

func quiet(context.Context, amsbridge.SSOEvent) {}
