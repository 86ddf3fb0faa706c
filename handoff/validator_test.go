package handoff

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// validatorEnv is an env with a validator of its pull sessions.
type validatorEnv struct {
	*env
	alive     bool
	infoErr   error
	validator *Validator
}

const callerSecret = "0123456789abcdefghijklmnopqrstuv"

func newValidatorEnv(t *testing.T, change func(*ValidatorConfig)) *validatorEnv {
	t.Helper()
	e := &validatorEnv{env: newEnv(t, nil), alive: true}
	sessions, err := ssoverify.NewSessions(ssoverify.SessionsConfig{
		Issuer: shop, Audience: "https://pull.example.org", KeySource: e.keys, Now: e.clock, Audit: quiet,
		Alive: func(context.Context, amsbridge.UserID, string) (bool, error) { return e.alive, nil },
	})
	require.NoError(t, err)
	caller, err := CallerSecret(callerSecret)
	require.NoError(t, err)
	cfg := ValidatorConfig{
		Sessions: sessions, Caller: caller, Now: e.clock,
		UserInfo: func(context.Context, amsbridge.UserID) (amsbridge.User, error) {
			return amsbridge.User{
				ID: "another", FirstName: "Ada", LastName: "Byron", Email: "ada@example.org", MemberType: "<fellow>",
			}, e.infoErr
		},
	}
	if change != nil {
		change(&cfg)
	}
	e.validator, err = NewValidator(cfg)
	require.NoError(t, err)
	return e
}

func (e *validatorEnv) token(audience string) string {
	token, err := e.sso.Session(e.t.Context(), audience, "U-1", "s-1")
	require.NoError(e.t, err)
	return token
}

func (e *validatorEnv) ask(
	method, target, kind, body string, change ...func(*http.Request),
) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "Bearer "+callerSecret)
	for _, c := range change {
		c(r)
	}
	rec := httptest.NewRecorder()
	e.validator.ServeHTTP(rec, r)
	require.Equal(e.t, "no-store", rec.Header().Get("Cache-Control"))
	require.Equal(e.t, "application/json; charset=utf-8", rec.Header().Get("Content-Type"))
	return rec
}

func (e *validatorEnv) post(token string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	return e.ask(http.MethodPost, "/validate", formType, url.Values{"token": {token}}.Encode(), change...)
}

func TestValidateTellsWhoTheMemberIs(t *testing.T) {
	t.Parallel()
	e := newValidatorEnv(t, nil)
	const want = `{
		"valid": true, "user_id": "U-1", "first_name": "Ada", "last_name": "Byron",
		"email": "ada@example.org", "member_type": "<fellow>"
	}`
	token := e.token("pull")
	for range 3 { // as often as the platform likes
		require.JSONEq(t, want, e.post(token).Body.String())
	}
	require.JSONEq(t, want,
		e.ask(http.MethodPost, "/", jsonType+"; charset=utf-8", `{"token":"`+token+`"}`).Body.String())

	named := newValidatorEnv(t, func(c *ValidatorConfig) {
		c.Fields, c.TokenParam, c.AllowQuery = &UserFields{UserID: "UniqueUserID", Email: "mail"}, "t", true
	})
	got := named.ask(http.MethodGet, "/?t="+named.token("pull"), "", "")
	require.JSONEq(t, `{"valid":true,"UniqueUserID":"U-1","mail":"ada@example.org"}`, got.Body.String())
}

func TestValidateRefuses(t *testing.T) {
	t.Parallel()
	e := newValidatorEnv(t, nil)
	good := e.token("pull")
	handOff, err := e.sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: "pull", User: e.user})
	require.NoError(t, err)
	no := func(status int, rec *httptest.ResponseRecorder, what string) {
		t.Helper()
		require.Equal(t, status, rec.Code, what)
		require.JSONEq(t, `{"valid":false}`, rec.Body.String(), what)
	}
	no(http.StatusUnauthorized, e.post(handOff), "a hand-off")
	no(http.StatusUnauthorized, e.post(e.token("elevate")), "another audience's session")
	no(http.StatusUnauthorized, e.post(good+"x"), "garbled")
	no(http.StatusUnauthorized, e.post(strings.Repeat(".", 9000)), "long")
	for what, change := range map[string]func(*http.Request){
		"no proof":     func(r *http.Request) { r.Header.Del("Authorization") },
		"wrong proof":  func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+callerSecret+"x") },
		"basic":        func(r *http.Request) { r.SetBasicAuth("", callerSecret) },
		"two headers":  func(r *http.Request) { r.Header.Add("Authorization", "Bearer "+callerSecret) },
		"empty secret": func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") },
	} {
		no(http.StatusForbidden, e.post(good, change), what)
	}
	no(http.StatusMethodNotAllowed, e.ask(http.MethodGet, "/?token="+good, "", ""), "GET")
	no(http.StatusMethodNotAllowed, e.ask(http.MethodPut, "/", formType, "token="+good), "PUT")
	no(http.StatusUnsupportedMediaType, e.ask(http.MethodPost, "/", "text/plain", "token="+good), "text")
	for _, body := range []string{
		"", "token=", "token=a&token=b", "token=%zz", "token=" + strings.Repeat("x", 3*amsbridge.MaxToken),
	} {
		no(http.StatusBadRequest, e.ask(http.MethodPost, "/", formType, body), "form")
	}
	no(http.StatusBadRequest, e.ask(http.MethodPost, "/?token="+good, formType, ""), "in the query of a POST")
	for _, body := range []string{
		"", "{}", "[]", `{"token":1}`, `{"token":"a","token":"` + good + `"}`, `{"Token":"` + good + `"}`,
		`{"token":"` + good + `"}{}`, `null`, `{"token":null}`, `{"token":["` + good + `"]}`, `{"a":{"token":"` + good + `"}}`,
		`{"token":"` + good + `","a":1,"\u0074oken":"` + good + `"}`, `[{"token":"` + good + `"}]`, `{"token":"` + good + `",}`,
	} {
		no(http.StatusBadRequest, e.ask(http.MethodPost, "/", jsonType, body), body)
	}
	e.infoErr = errors.New("planted")
	no(http.StatusServiceUnavailable, e.post(good), "no user info")
	e.infoErr, e.alive = nil, false
	no(http.StatusUnauthorized, e.post(good), "after the sign-out")
	e.alive = true
	require.NoError(t, e.keys.Revoke(e.keys.Keys()[0].ID))
	no(http.StatusUnauthorized, e.post(good), "a revoked key")
}

func TestValidateAThousandTimesASecond(t *testing.T) {
	t.Parallel()
	e := newValidatorEnv(t, nil)
	token, counts := e.token("pull"), map[int]int{}
	for range 1300 {
		counts[e.post(token).Code]++
	}
	require.Equal(t, map[int]int{http.StatusOK: 1200, http.StatusTooManyRequests: 100}, counts)
	other := e.post(token, func(r *http.Request) { r.RemoteAddr = "198.51.100.7:1" })
	require.Equal(t, http.StatusOK, other.Code)
	e.now = e.now.Add(time.Second)
	require.Equal(t, http.StatusOK, e.post(token).Code)
}

// What strangers send, and the tokens that browsers bring to the platform, use up nothing of what the
// platform is answered. They are counted apart.
func TestValidateAnswersThePlatformWhateverStrangersSend(t *testing.T) {
	t.Parallel()
	e := newValidatorEnv(t, nil)
	good := e.token("pull")
	noProof := func(r *http.Request) { r.Header.Del("Authorization") }
	for what, c := range map[string]struct {
		status int
		call   func() *httptest.ResponseRecorder
	}{
		"without the proof": {http.StatusForbidden, func() *httptest.ResponseRecorder { return e.post(good, noProof) }},
		"junk":              {http.StatusUnauthorized, func() *httptest.ResponseRecorder { return e.post(good + "A") }},
		"no token":          {http.StatusBadRequest, func() *httptest.ResponseRecorder { return e.post("") }},
		"another method":    {http.StatusMethodNotAllowed, func() *httptest.ResponseRecorder { return e.ask(http.MethodPut, "/", formType, "") }},
	} {
		e.now = e.now.Add(time.Minute)
		counts := map[int]int{}
		for range 1300 {
			counts[c.call().Code]++
		}
		require.Equal(t, map[int]int{c.status: 1200, http.StatusTooManyRequests: 100}, counts, what)
		require.Equal(t, http.StatusOK, e.post(good).Code, what)
	}
	require.Less(t, len(e.audited), 1000)

	open := newValidatorEnv(t, func(c *ValidatorConfig) { c.Caller, c.InsecureAnyCaller, c.PerAddress = nil, true, 3 })
	for range 10 {
		require.NotEqual(t, http.StatusOK, open.post("junk").Code)
	}
	require.Equal(t, http.StatusOK, open.post(open.token("pull")).Code)
}

// Strangers who bring no proof do not change what the platform is told of a session that has ended, and neither
// do its own failures change what strangers are told.
func TestValidateCountsStrangersAndThePlatformApart(t *testing.T) {
	t.Parallel()
	e := newValidatorEnv(t, nil)
	token := e.token("pull")
	for range 1300 {
		e.post(token, func(r *http.Request) { r.Header.Del("Authorization") })
	}
	require.Equal(t, http.StatusOK, e.post(token).Code)
	e.alive = false
	require.Equal(t, http.StatusUnauthorized, e.post(token).Code, "the session has ended")
	require.Equal(t, http.StatusBadRequest, e.post("").Code)
	require.Equal(t, http.StatusTooManyRequests, e.post(token, func(r *http.Request) { r.Header.Del("Authorization") }).Code)

	other := newValidatorEnv(t, nil)
	for range 1300 {
		other.post("junk")
	}
	require.Equal(t, http.StatusForbidden, other.post("", func(r *http.Request) { r.Header.Del("Authorization") }).Code)
}

// A platform may send more than the token. Only the token is read.
func TestValidateIgnoresWhatElseThePlatformSends(t *testing.T) {
	t.Parallel()
	e := newValidatorEnv(t, func(c *ValidatorConfig) { c.AllowQuery = true })
	token := e.token("pull")
	for _, foreign := range []string{"site=acme", "site=a;b", "x=50%off", "%zz=%", "Token=x", "=", "a=1&a=2", "\xff"} {
		form := foreign + "&token=" + token + "&" + foreign
		require.Equal(t, http.StatusOK, e.ask(http.MethodPost, "/", formType, form).Code, foreign)
		get := func(r *http.Request) { r.URL.RawQuery = form }
		require.Equal(t, http.StatusOK, e.ask(http.MethodGet, "/", "", "", get).Code, foreign)
	}
	for _, foreign := range []string{
		`"site":"acme"`, `"site":"acme","site":"b"`, `"Token":"x"`, `"a":{"token":"x"}`, `"a":[{"token":["x"]}]`, `"a":null,"":1e999`,
		`"a":"\ud800"`,
	} {
		require.Equal(t, http.StatusOK, e.ask(http.MethodPost, "/", jsonType, ` {`+foreign+`,"token":"`+token+`"} `).Code, foreign)
		require.Equal(t, http.StatusOK, e.ask(http.MethodPost, "/", jsonType, `{"token":"`+token+`",`+foreign+`}`).Code, foreign)
	}
}

// FuzzMembersNamed: no panic, and what is returned stands in the object under the name.
func FuzzMembersNamed(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"token":"a"}`, `{"token":"a","token":"b"}`, `{"a":{"token":"x"},"token":""}`, `{"token":1}`, "null", "[]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		texts, err := membersNamed("token", body)
		if err != nil || len(texts) == 0 {
			return
		}
		var object map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(body, &object))
		var last string
		require.NoError(t, json.Unmarshal(object["token"], &last))
		require.Equal(t, last, texts[len(texts)-1])
	})
}

func TestNewValidatorNamesTheBadField(t *testing.T) {
	t.Parallel()
	good := newValidatorEnv(t, nil).validator.cfg
	for field, change := range map[string]func(*ValidatorConfig){
		"ValidatorConfig.Sessions":          func(c *ValidatorConfig) { c.Sessions = nil },
		"ValidatorConfig.UserInfo":          func(c *ValidatorConfig) { c.UserInfo = nil },
		"ValidatorConfig.Caller":            func(c *ValidatorConfig) { c.Caller = nil },
		"ValidatorConfig.InsecureAnyCaller": func(c *ValidatorConfig) { c.InsecureAnyCaller = true },
		"ValidatorConfig.Fields.UserID":     func(c *ValidatorConfig) { c.Fields = &UserFields{} },
		"ValidatorConfig.PerAddress":        func(c *ValidatorConfig) { c.PerAddress = -1 },
	} {
		cfg := good
		change(&cfg)
		_, err := NewValidator(cfg)
		var input *amsbridge.InputError
		require.ErrorAs(t, err, &input, field)
		require.Equal(t, field, input.Field)
	}
	good.Caller, good.InsecureAnyCaller = nil, true
	_, err := NewValidator(good)
	require.NoError(t, err, "by name")
	for _, weak := range []string{"", "short", strings.Repeat("a", 64)} {
		_, err := CallerSecret(weak)
		require.Error(t, err, "%q", weak)
	}
}
