package handoff

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/limit"
	"github.com/amsbridge/amsbridge/internal/query"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// UserFields names the fields of the answer about a user. An empty name leaves its field out. What
// Elevate expects them to be called is unknown.
type UserFields struct {
	UserID, FirstName, LastName, Email, MemberType string
}

// ValidatorConfig configures [NewValidator].
type ValidatorConfig struct {
	// Sessions verifies the tokens. Required.
	Sessions *ssoverify.Sessions
	// UserInfo returns what the platform may know of a member of the association whose audience the
	// Sessions verify. It is called at each validation. Required.
	UserInfo func(ctx context.Context, user amsbridge.UserID) (amsbridge.User, error)
	// Caller checks who calls, since the answer is personal data; an error refuses the call.
	// [CallerSecret] makes one. Required, unless InsecureAnyCaller.
	Caller func(*http.Request) error
	// InsecureAnyCaller answers whoever has a token: a thief of one then learns the member's name and
	// e-mail address. Defaults to false.
	InsecureAnyCaller bool
	// Fields names the answer's fields. Defaults to user_id, first_name, last_name,
	// email and member_type, which are a guess.
	Fields *UserFields
	// TokenParam is the name of the token's form field or JSON member. Defaults to
	// "token".
	TokenParam string
	// AllowQuery also takes the token from the query of a GET, where logs on the way may keep it.
	// Defaults to false.
	AllowQuery bool
	// PerAddress limits the tokens of members that this process answers for one address in a minute. Counted
	// apart, each by itself, are calls without the caller's proof, and proven calls that fail: neither strangers
	// nor tokens that are not accepted use anything up of what the platform is answered. Defaults to 1,200.
	PerAddress int
	// Address returns the caller's address, for shops behind a proxy. Defaults to
	// that of the connection.
	Address func(*http.Request) string
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Validator is the web service that a platform calls to learn whose pull session it holds. Elevate's
// SSO works like this, as far as its public pages tell. It answers a POST of a form or a JSON object
// that holds the token; other fields and members are ignored, whatever they look like:
//
//   - 200 {"valid":true,"user_id":…} for a token that [ssoverify.Sessions.Verify] accepts, with
//     the user that UserInfo returns, member type included.
//   - 401 {"valid":false} for any other token, whatever the reason.
//   - 400, 403, 405, 415 and 429 {"valid":false} for calls without a token, from callers that
//     Caller refuses, by another method, of another content type, and over the limit. An address whose
//     calls failed too often gets 429 for those that fail, with the caller's proof and without it apart.
//   - 503 {"valid":false} where UserInfo fails.
//
// Every answer is no-store. It is safe for concurrent use.
type Validator struct {
	cfg    ValidatorConfig
	fields UserFields
	// Calls whose tokens are accepted, those that bring no proof, and those that bring it and fail.
	answers, strangers, failures *limit.Limiter
}

// NewValidator checks the configuration. It returns an [*amsbridge.InputError]
// that names the first bad field.
func NewValidator(cfg ValidatorConfig) (*Validator, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Address == nil {
		cfg.Address = remoteAddress
	}
	cfg.TokenParam = cmp.Or(cfg.TokenParam, "token")
	v := &Validator{cfg: cfg, fields: UserFields{
		UserID: "user_id", FirstName: "first_name", LastName: "last_name",
		Email: "email", MemberType: "member_type",
	}}
	if cfg.Fields != nil {
		v.fields = *cfg.Fields
	}
	switch {
	case cfg.Sessions == nil:
		return nil, check.Bad("handoff", "ValidatorConfig.Sessions", "is nil")
	case cfg.UserInfo == nil:
		return nil, check.Bad("handoff", "ValidatorConfig.UserInfo", "is nil")
	case cfg.Caller == nil && !cfg.InsecureAnyCaller:
		return nil, check.Bad("handoff", "ValidatorConfig.Caller",
			"is nil; whoever finds a token would learn who the member is")
	case cfg.Caller != nil && cfg.InsecureAnyCaller:
		return nil, check.Bad("handoff", "ValidatorConfig.InsecureAnyCaller", "is set, and Caller too")
	case v.fields.UserID == "" || v.fields.UserID == "valid":
		return nil, check.Bad("handoff", "ValidatorConfig.Fields.UserID", `is empty or "valid"`)
	}
	var err error
	for _, l := range []**limit.Limiter{&v.answers, &v.strangers, &v.failures} {
		if *l, err = newLimiter("ValidatorConfig.PerAddress", cfg.PerAddress, 1200, cfg.Now); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// ServeHTTP answers one validation.
func (v *Validator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	web.Private(w.Header())
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	user, status := v.member(w, r)
	var body []byte
	if status == http.StatusOK {
		var err error
		if body, err = json.Marshal(v.answer(user)); err != nil {
			status = http.StatusServiceUnavailable
		}
	}
	if status != http.StatusOK {
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "{\"valid\":false}\n") // the caller may be gone
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the caller may be gone
}

// member returns the member whose token a call brings, or the status that refuses it. The proof comes before
// the limits, and what fails is counted apart, so that nobody uses up the platform's answers.
func (v *Validator) member(w http.ResponseWriter, r *http.Request) (amsbridge.User, int) {
	address := v.cfg.Address(r)
	failed := func(counted *limit.Limiter, status int) (amsbridge.User, int) {
		if !counted.Allow(address) {
			status = http.StatusTooManyRequests
		}
		return amsbridge.User{}, status
	}
	if v.cfg.Caller != nil && v.cfg.Caller(r) != nil {
		return failed(v.strangers, http.StatusForbidden)
	}
	token, status := v.token(w, r)
	if status != http.StatusOK {
		return failed(v.failures, status)
	}
	if !v.answers.Left(address) {
		return amsbridge.User{}, http.StatusTooManyRequests
	}
	session, err := v.cfg.Sessions.Verify(r.Context(), token)
	if err != nil {
		return failed(v.failures, http.StatusUnauthorized)
	}
	if !v.answers.Allow(address) { // others were faster
		return amsbridge.User{}, http.StatusTooManyRequests
	}
	user, err := v.cfg.UserInfo(r.Context(), session.UserID)
	if err != nil {
		return amsbridge.User{}, http.StatusServiceUnavailable
	}
	user.ID = session.UserID
	return user, http.StatusOK
}

// answer returns the fields about a member. The ID and "valid" are always among them.
func (v *Validator) answer(u amsbridge.User) map[string]any {
	answer := map[string]any{"valid": true}
	for _, f := range []struct{ name, value string }{
		{v.fields.FirstName, u.FirstName},
		{v.fields.LastName, u.LastName},
		{v.fields.Email, u.Email},
		{v.fields.MemberType, u.MemberType},
		{v.fields.UserID, string(u.ID)},
	} {
		if f.name != "" && f.name != "valid" {
			answer[f.name] = f.value
		}
	}
	return answer
}

// token reads the one token of a call, or returns the status that refuses it.
func (v *Validator) token(w http.ResponseWriter, r *http.Request) (string, int) {
	var values []string
	switch {
	case r.Method == http.MethodPost:
		var status int
		if values, status = v.posted(w, r); status != http.StatusOK {
			return "", status
		}
	case r.Method == http.MethodGet && v.cfg.AllowQuery:
		own, err := query.Read(r.URL.RawQuery, v.cfg.TokenParam)
		if err != nil {
			return "", http.StatusBadRequest
		}
		values = own[v.cfg.TokenParam]
	default:
		w.Header().Set("Allow", http.MethodPost)
		return "", http.StatusMethodNotAllowed
	}
	if len(values) != 1 || strings.TrimSpace(values[0]) == "" {
		return "", http.StatusBadRequest
	}
	return values[0], http.StatusOK
}

// posted reads the tokens of a form or of a JSON object.
func (v *Validator) posted(w http.ResponseWriter, r *http.Request) ([]string, int) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2*amsbridge.MaxToken))
	if err != nil {
		return nil, http.StatusBadRequest
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // empty where it fails, which is refused below
	switch kind {
	case "application/x-www-form-urlencoded":
		form, err := query.Read(string(body), v.cfg.TokenParam)
		if err != nil {
			return nil, http.StatusBadRequest
		}
		return form[v.cfg.TokenParam], http.StatusOK
	case "application/json":
		tokens, err := membersNamed(v.cfg.TokenParam, body)
		if err != nil {
			return nil, http.StatusBadRequest
		}
		return tokens, http.StatusOK
	}
	return nil, http.StatusUnsupportedMediaType
}

// membersNamed returns the texts of all members of one JSON object that have exactly this name. It returns an
// error for what is not one object alone, and where such a member is no text. Others may be anything.
func membersNamed(name string, body []byte) (texts []string, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil { // one whole value, which the decoder below does not ask for
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		if key != name {
			continue
		}
		var text *string
		if json.Unmarshal(value, &text) != nil || text == nil {
			return nil, errors.New("handoff: the member is no text")
		}
		texts = append(texts, *text)
	}
	return texts, nil
}
