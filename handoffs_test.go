package amsbridge

import (
	"context"
	"crypto/rand"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// walkway is a shop's hand-offs with everything of it in the test's hands.
type walkway struct {
	t       *testing.T
	now     time.Time
	user    User
	userErr error
	session string
	ended   int
	ticket  func(UserID, Product) (string, error)
	records []outbox.Record
	finds   error
	events  []SSOEvent
	h       *HandOffs
	sso     *SSO
	keys    *KeyRing
}

func (w *walkway) MintTicket(_ context.Context, u UserID, p Product) (string, error) {
	return w.ticket(u, p)
}

// finder is the one method of the store that a standing uses.
type finder struct {
	outbox.Inspector
	w *walkway
}

func (f finder) Find(context.Context, outbox.Query) ([]outbox.Record, error) {
	return f.w.records, f.w.finds
}

const (
	learn  = "https://learn.example.org"
	events = "https://events.example.org"
)

func newWalkway(t *testing.T, change func(*HandOffsConfig)) *walkway {
	t.Helper()
	w := &walkway{t: t, now: handOffTime, user: User{ID: "U-1", FirstName: "Ada", Email: "ada@example.org"}, session: "s-1"}
	key, err := GenerateKey(EdDSA)
	require.NoError(t, err)
	w.keys, err = NewKeyRing(KeyRingConfig{Keys: []RingKey{{Key: key}}, Now: w.clock})
	require.NoError(t, err)
	audit := func(_ context.Context, e SSOEvent) { w.events = append(w.events, e) }
	w.sso, err = NewSSO(SSOConfig{Issuer: shop, Audit: audit, Now: w.clock, Audiences: []Audience{
		{Name: "elevate", Audience: learn, Keys: w.keys, ReturnOrigins: []string{learn}, DefaultReturn: "/home"},
		{Name: "query", Audience: "https://query.example.org", Keys: w.keys},
		{Name: "pull", Audience: "https://pull.example.org", Keys: w.keys},
	}})
	require.NoError(t, err)
	catalog, err := NewCatalog(CatalogConfig{Products: []Product{
		{ID: "course", RemoteProductID: "C-1"}, {ID: "dinner", ShowKey: 7, AddOnKeys: []int64{1}},
	}})
	require.NoError(t, err)
	standing, err := NewStanding(finder{w: w})
	require.NoError(t, err)
	cfg := HandOffsConfig{
		SSO: w.sso, Catalog: catalog, Standing: standing, SignIn: "/sign-in?from=sso", StateKey: randomBytes(32),
		CurrentUser: func(*http.Request) (User, error) { return w.user, w.userErr },
		SessionID:   func(*http.Request) (string, error) { return w.session, nil },
		EndSession:  func(http.ResponseWriter, *http.Request) error { w.ended++; return nil },
		Audit:       audit, Now: w.clock,
		Platforms: []Platform{
			{Name: "elevate", Title: "Elevate", URL: learn + "/walk-in", Destination: "elevate"},
			{Name: "query", URL: "https://query.example.org/in?lang=en", Way: ByQuery, TokenParam: "jwt"},
			{Name: "pull", URL: "https://pull.example.org/", Way: ByCookie, Cookie: PullCookie{Name: "__Secure-ams", Domain: "example.org"}},
			{Name: "notified", Title: "Notified", Way: ByTicket, Tickets: w, Destination: "notified"},
		},
	}
	if change != nil {
		change(&cfg)
	}
	w.h, err = NewHandOffs(cfg)
	require.NoError(t, err)
	return w
}

func (w *walkway) clock() time.Time { return w.now }

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// get asks Start as a browser that navigates.
func (w *walkway) get(query string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/sso/hand-off?"+query, nil)
	for _, c := range change {
		c(r)
	}
	rec := httptest.NewRecorder()
	w.h.Start().ServeHTTP(rec, r)
	require.Equal(w.t, "no-store", rec.Header().Get("Cache-Control"))
	require.Equal(w.t, "no-referrer", rec.Header().Get("Referrer-Policy"))
	return rec
}

var field = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// fields are those of the answer's form.
func fields(rec *httptest.ResponseRecorder) map[string]string {
	got := map[string]string{}
	for _, m := range field.FindAllStringSubmatch(rec.Body.String(), -1) {
		got[html.UnescapeString(m[1])] = html.UnescapeString(m[2])
	}
	return got
}

func (w *walkway) verify(audience, token string) HandOff {
	w.t.Helper()
	v, err := NewVerifier(VerifierConfig{
		Issuer: shop, Audience: audience, KeySource: w.keys, Replay: NewMemoryReplay(w.clock),
		ReturnOrigins: []string{learn}, Audit: quiet, Now: w.clock,
	})
	require.NoError(w.t, err)
	h, err := v.Verify(w.t.Context(), token)
	require.NoError(w.t, err)
	return h
}

func TestHandOffByForm(t *testing.T) {
	t.Parallel()
	w := newWalkway(t, nil)
	rec := w.get(url.Values{
		"to": {"elevate"}, "return_to": {learn + "/courses/7?a=b"}, "state": {`"><script>`}, "nonce": {"n-1"},
	}.Encode())
	require.Equal(t, http.StatusOK, rec.Code)
	got := fields(rec)
	require.Equal(t, `"><script>`, got["state"])
	require.NotContains(t, rec.Body.String(), `"><script>`)
	h := w.verify(learn, got["token"])
	require.Equal(t, User{ID: "U-1"}, h.User, "the profile is not told unasked")
	require.Equal(t, learn+"/courses/7?a=b", h.ReturnTo)
	require.Equal(t, "n-1", h.Nonce)
	policy := rec.Header().Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'")
	require.Contains(t, policy, "form-action "+learn+";")
	require.Contains(t, policy, "frame-ancestors 'none'")
	require.NotContains(t, policy, "unsafe")
	require.Contains(t, rec.Body.String(), `action="`+learn+`/walk-in"`)
	require.Contains(t, rec.Body.String(), "Continue to Elevate")
	require.Equal(t, SSOMinted, w.events[0].Action)
	require.Equal(t, h.ID, w.events[0].TokenID)
}

func TestHandOffByQuery(t *testing.T) {
	t.Parallel()
	w := newWalkway(t, nil)
	rec := w.get("to=query&state=x")
	require.Equal(t, http.StatusSeeOther, rec.Code)
	to, err := url.Parse(rec.Header().Get("Location"))
	require.NoError(t, err)
	require.Equal(t, "https://query.example.org/in", to.Scheme+"://"+to.Host+to.Path)
	require.Equal(t, "en", to.Query().Get("lang"))
	require.Equal(t, "x", to.Query().Get("state"))
	w.verify("https://query.example.org", to.Query().Get("jwt"))
}

func TestHandOffByCookie(t *testing.T) {
	t.Parallel()
	w := newWalkway(t, nil)
	rec := w.get("to=pull&return_to=/courses/7")
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, "https://pull.example.org/courses/7", rec.Header().Get("Location"))
	c := rec.Result().Cookies()[0]
	require.Equal(t, "__Secure-ams", c.Name)
	require.Equal(t, "example.org", c.Domain)
	require.True(t, c.Secure && c.HttpOnly && c.SameSite == http.SameSiteLaxMode && c.MaxAge == 3600)
	v, err := NewSessionVerifier(SessionVerifierConfig{
		Issuer: shop, Audience: "https://pull.example.org", KeySource: w.keys, Now: w.clock,
		Alive: func(_ context.Context, u UserID, id string) (bool, error) { return u == "U-1" && id == "s-1", nil },
	})
	require.NoError(t, err)
	s, err := v.Verify(t.Context(), c.Value)
	require.NoError(t, err)
	require.Equal(t, UserID("U-1"), s.UserID)
}

func TestHandOffByTicket(t *testing.T) {
	t.Parallel()
	w := newWalkway(t, nil)
	calls := 0
	w.ticket = func(u UserID, p Product) (string, error) {
		calls++
		require.Equal(t, UserID("U-1"), u)
		require.EqualValues(t, 7, p.ShowKey)
		return events + "/in?LoginTicketKey=secret-ticket", nil
	}
	rec := w.get("to=notified&product=dinner")
	require.Equal(t, http.StatusFound, rec.Code)
	require.Equal(t, events+"/in?LoginTicketKey=secret-ticket", rec.Header().Get("Location"))
	for _, e := range w.events {
		require.NotContains(t, e.Reason+e.TokenID, "secret")
	}
	require.Equal(t, http.StatusNotFound, w.get("to=notified").Code)
	require.Equal(t, http.StatusNotFound, w.get("to=notified&product=course").Code)
	require.Equal(t, 1, calls)
	for name, c := range map[string]struct {
		err    error
		url    string
		status int
		text   string
	}{
		"71":      {&outbox.DeliveryError{Outcome: outbox.OutcomeNotReady, Code: "71"}, "", http.StatusOK, "finishing your registration"},
		"expired": {&outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "planted-credential"}, "", http.StatusServiceUnavailable, "Try again"},
		"time":    {context.DeadlineExceeded, "", http.StatusServiceUnavailable, "Try again"},
		"http":    {nil, "http://events.example.org/in", http.StatusServiceUnavailable, "Try again"},
		"script":  {nil, "javascript:alert(1)", http.StatusServiceUnavailable, "Try again"},
	} {
		w.ticket = func(UserID, Product) (string, error) { return c.url, c.err }
		rec := w.get("to=notified&product=dinner")
		require.Equal(t, c.status, rec.Code, name)
		require.Empty(t, rec.Header().Get("Location"), name)
		require.Contains(t, rec.Body.String(), c.text, name)
		require.NotContains(t, rec.Body.String(), "planted", name)
	}
}

func TestHandOffWaitsForTheRegistration(t *testing.T) {
	t.Parallel()
	w := newWalkway(t, nil)
	record := func(product string, state outbox.State) outbox.Record {
		m, err := Registration{OrderID: "o", LineID: "1", RemoteProductID: product, User: w.user}.message("elevate")
		require.NoError(t, err)
		return outbox.Record{Message: m, State: state}
	}
	const pending, parked, delivered = outbox.StatePending, outbox.StateParked, outbox.StateDelivered
	for name, c := range map[string]struct {
		records []outbox.Record
		text    string
	}{
		"nothing bought":             {nil, "Continue to"},
		"queued":                     {[]outbox.Record{record("C-1", pending)}, "We are finishing your registration"},
		"delivered":                  {[]outbox.Record{record("C-1", delivered)}, "Continue to"},
		"delivered, bought again":    {[]outbox.Record{record("C-1", delivered), record("C-1", pending)}, "Continue to"},
		"parked":                     {[]outbox.Record{record("C-1", parked)}, "looking after your registration"},
		"parked, another is queued":  {[]outbox.Record{record("C-1", parked), record("C-1", pending)}, "We are finishing"},
		"another product is queued":  {[]outbox.Record{record("C-2", pending)}, "Continue to"},
		"queued, another is through": {[]outbox.Record{record("C-2", delivered), record("C-1", pending)}, "We are finishing"},
	} {
		w.records = c.records
		require.Contains(t, w.get("to=elevate&product=course").Body.String(), c.text, name)
		require.Contains(t, w.get("to=elevate").Body.String(), "Continue to", name)
	}
	w.records = []outbox.Record{record("C-1", pending)}
	rec := w.get("to=elevate&product=course")
	require.Equal(t, "5", rec.Header().Get("Refresh"))
	require.Empty(t, fields(rec), "no token waits in a page")
	w.finds = errors.New("planted-dsn")
	rec = w.get("to=elevate&product=course")
	require.Equal(t, http.StatusServiceUnavailable, rec.Code)
	require.NotContains(t, rec.Body.String(), "planted")
}

func TestHandOffMintsNothingForWhatNobodyLooksAt(t *testing.T) {
	t.Parallel()
	w := newWalkway(t, nil)
	w.ticket = func(UserID, Product) (string, error) { t.Error("a ticket was minted"); return "", nil }
	for _, h := range [][2]string{
		{"Sec-Purpose", "prefetch"},
		{"Sec-Purpose", "prefetch;prerender"},
		{"Purpose", "prefetch"},
		{"X-Purpose", "preview"},
		{"X-Moz", "prefetch"},
		{"Sec-Fetch-Dest", "image"},
		{"Sec-Fetch-Dest", "iframe"},
		{"Sec-Fetch-Mode", "no-cors"},
		{"Sec-Fetch-Mode", "cors"},
	} {
		for _, to := range []string{"to=elevate", "to=pull", "to=query", "to=notified&product=dinner"} {
			rec := w.get(to, func(r *http.Request) { r.Header.Set(h[0], h[1]) })
			require.Equal(t, http.StatusNoContent, rec.Code, h)
			require.Empty(t, rec.Result().Cookies())
		}
	}
	rec := w.get("to=elevate", func(r *http.Request) { r.Method = http.MethodHead })
	require.Equal(t, http.StatusNoContent, rec.Code)
	rec = w.get("to=elevate", func(r *http.Request) { r.Method = http.MethodPost })
	require.Equal(t, http.StatusMethodNotAllowed, rec.Code)
	require.Equal(t, "GET, HEAD", rec.Header().Get("Allow"))
	require.Empty(t, w.events)
}

func TestHandOffSendsToSignInAndBack(t *testing.T) {
	t.Parallel()
	w := newWalkway(t, nil)
	w.userErr = ErrSignedOut
	rec := w.get("to=elevate&return_to=/c")
	require.Equal(t, http.StatusSeeOther, rec.Code)
	to, err := url.Parse(rec.Header().Get("Location"))
	require.NoError(t, err)
	require.Equal(t, "/sign-in", to.Path)
	require.Equal(t, "sso", to.Query().Get("from"))
	back := to.Query().Get("back")
	ask := func(back string) (string, bool) {
		return w.h.WayBack(httptest.NewRequest(http.MethodGet, "/sign-in?back="+url.QueryEscape(back), nil))
	}
	path, ok := ask(back)
	require.True(t, ok)
	require.Equal(t, "/sso/hand-off?to=elevate&return_to=/c", path)
	for name, forged := range map[string]string{
		"none": "", "bare": "/sso", "cut": back[:len(back)-2], "other text": "L2V2aWw" + back[strings.Index(back, "."):],
		"another purpose": w.h.SignOutProof("/sso/hand-off"), "evil": w.h.state.sign(forWayBack, "//evil.example/", time.Hour),
		"padded": back + "=", "long": strings.Repeat("A", 1<<20),
	} {
		_, ok := ask(forged)
		require.False(t, ok, name)
	}
	w.now = w.now.Add(time.Hour)
	_, ok = ask(back)
	require.False(t, ok, "it lasts an hour")
	rec = w.get("to=elevate", func(r *http.Request) { r.RequestURI = "//evil.example/%2e%2e" })
	to, err = url.Parse(rec.Header().Get("Location"))
	require.NoError(t, err)
	path, ok = ask(to.Query().Get("back"))
	require.True(t, ok)
	require.Equal(t, "/sso/hand-off?to=elevate", path, "from the parsed URL, and not what looks like a host")
}

func TestHandOffRefusals(t *testing.T) {
	t.Parallel()
	w := newWalkway(t, func(c *HandOffsConfig) { c.PerUser, c.PerAddress = 3, 100 })
	require.Equal(t, http.StatusNotFound, w.get("to=nowhere").Code)
	require.Equal(t, http.StatusNotFound, w.get("to=%zz").Code)
	require.Equal(t, http.StatusBadRequest, w.get("to=elevate&state="+strings.Repeat("x", 513)).Code)
	require.Equal(t, http.StatusBadRequest, w.get("to=elevate&state=a%0ab").Code)
	w.user.ID = "null"
	require.Equal(t, http.StatusForbidden, w.get("to=elevate").Code)
	w.user.ID, w.userErr = "U-1", errors.New("planted")
	rec := w.get("to=elevate")
	require.Equal(t, http.StatusServiceUnavailable, rec.Code)
	require.NotContains(t, rec.Body.String(), "planted")
	w.userErr = nil
	for range 3 {
		require.Equal(t, http.StatusOK, w.get("to=elevate").Code)
	}
	rec = w.get("to=elevate")
	require.Equal(t, http.StatusTooManyRequests, rec.Code)
	require.Equal(t, "60", rec.Header().Get("Retry-After"))
	w.user.ID = "U-2"
	require.Equal(t, http.StatusOK, w.get("to=elevate").Code, "another member is free")
	w.now = w.now.Add(time.Minute)
	w.user.ID = "U-1"
	require.Equal(t, http.StatusOK, w.get("to=elevate").Code)
	require.NoError(t, w.keys.Revoke(w.keys.Keys()[0].ID))
	rec = w.get("to=elevate")
	require.Equal(t, http.StatusServiceUnavailable, rec.Code)
	require.Contains(t, rec.Body.String(), "Try again")
	last := w.events[len(w.events)-1]
	require.Equal(t, SSORefused, last.Action)
	require.Equal(t, "no key is active", last.Reason)
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	w := newWalkway(t, nil)
	ask := func(method string, form url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/sso/sign-out", strings.NewReader(form.Encode()))
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		rec := httptest.NewRecorder()
		w.h.SignOut().ServeHTTP(rec, r)
		return rec
	}
	page := ask(http.MethodGet, nil)
	require.Equal(t, http.StatusOK, page.Code)
	require.Zero(t, w.ended, "looking at the page ends nothing")
	require.Empty(t, page.Result().Cookies())
	proof := fields(page)["proof"]
	for _, forged := range []string{"", "x.y", w.h.SignOutProof("U-2"), w.h.state.sign(forWayBack, "U-1", time.Hour)} {
		require.Equal(t, http.StatusForbidden, ask(http.MethodPost, url.Values{"proof": {forged}}).Code)
	}
	require.Zero(t, w.ended)
	done := ask(http.MethodPost, url.Values{"proof": {proof}})
	require.Equal(t, http.StatusSeeOther, done.Code)
	require.Equal(t, "/", done.Header().Get("Location"))
	require.Equal(t, 1, w.ended)
	require.Equal(t, -1, done.Result().Cookies()[0].MaxAge)
	require.Equal(t, SSOSignedOut, w.events[len(w.events)-1].Action)
	w.userErr = ErrSignedOut
	require.Equal(t, http.StatusSeeOther, ask(http.MethodGet, nil).Code)
}

func TestSessionCookiesAreRenewed(t *testing.T) {
	t.Parallel()
	w := newWalkway(t, nil)
	page := w.h.Session(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	ask := func(cookie string, change ...func(*http.Request)) []*http.Cookie {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if cookie != "" {
			r.AddCookie(&http.Cookie{Name: "__Secure-ams", Value: cookie})
		}
		for _, c := range change {
			c(r)
		}
		rec := httptest.NewRecorder()
		page.ServeHTTP(rec, r)
		require.Equal(t, http.StatusTeapot, rec.Code)
		return rec.Result().Cookies()
	}
	first := ask("")
	require.Len(t, first, 1)
	require.Empty(t, ask(first[0].Value), "young enough")
	require.Empty(t, ask("", func(r *http.Request) { r.Header.Set("Sec-Purpose", "prefetch") }))
	w.now = w.now.Add(30 * time.Minute)
	require.Len(t, ask(first[0].Value), 1, "half its time is over")
	w.now = w.now.Add(-30 * time.Minute)
	w.session = "s-2"
	require.Len(t, ask(first[0].Value), 1, "another session")
	w.session, w.user.ID = "s-1", "U-2"
	require.Len(t, ask(first[0].Value), 1, "another member")
	for _, junk := range []string{"a.b.c", "x", strings.Repeat("A", MaxToken+1)} {
		require.Len(t, ask(junk), 1)
	}
	w.userErr = ErrSignedOut
	require.Equal(t, -1, ask(first[0].Value)[0].MaxAge)
	require.Empty(t, ask(""))
}
