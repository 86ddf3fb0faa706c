package amsbridge

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
)

// UserFields name the members of the answer about a user. An empty name leaves
// its member out. What Elevate wants them to be called is unknown.
type UserFields struct {
	UserID, FirstName, LastName, Email, MemberType string
}

// ValidatorConfig configures [NewValidator].
type ValidatorConfig struct {
	// Sessions verifies. Required.
	Sessions *SessionVerifier
	// UserInfo returns what the platform is told of a member: it is asked at each
	// validation. Required.
	UserInfo func(ctx context.Context, user UserID) (User, error)
	// Caller proves who asks, since the answer is personal data: an error refuses
	// them. [CallerSecret] makes one. Required, unless InsecureAnyCaller.
	Caller func(*http.Request) error
	// InsecureAnyCaller answers whoever has a token: a stolen one then tells the
	// member's name and e-mail address to its thief. Defaults to false.
	InsecureAnyCaller bool
	// Fields name the answer's members. Default to user_id, first_name,
	// last_name, email and member_type, a guess.
	Fields *UserFields
	// TokenParam is where the token stands, in a form or a JSON object. Defaults
	// to "token".
	TokenParam string
	// AllowQuery takes the token from the query of a GET as well, where logs on
	// the way may keep it. Defaults to false.
	AllowQuery bool
	// PerAddress limits the calls of one address, in this process. Defaults to
	// 1,200 a minute.
	PerAddress int
	// Address says who calls, behind a proxy. Defaults to the connection's own
	// address.
	Address func(*http.Request) string
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Validator is the web service that a platform calls to learn whose pull session
// it holds: Elevate's SSO works so, as far as its public pages tell. It answers
// a POST of a form or of a JSON object that holds the token:
//
//   - 200 {"valid":true,"user_id":…} for a token that [SessionVerifier.Verify]
//     accepts, with the user as UserInfo tells it, member type included.
//   - 401 {"valid":false} for any other token, whatever the reason.
//   - 400, 403, 405, 415 and 429 {"valid":false} for calls that bring none, from
//     callers without proof, by another method, of another kind, and too many.
//   - 503 {"valid":false} where UserInfo fails.
//
// Every answer is no-store.
type Validator struct {
	cfg    ValidatorConfig
	fields UserFields
	limit  *limiter
}

// NewValidator checks the configuration. It returns an [*InputError] that names
// the first bad field.
func NewValidator(cfg ValidatorConfig) (*Validator, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Address == nil {
		cfg.Address = remoteAddress
	}
	if cfg.TokenParam == "" {
		cfg.TokenParam = "token"
	}
	v := &Validator{cfg: cfg, fields: UserFields{"user_id", "first_name", "last_name", "email", "member_type"}}
	if cfg.Fields != nil {
		v.fields = *cfg.Fields
	}
	switch {
	case cfg.Sessions == nil:
		return nil, check.Bad("amsbridge", "sessions", "are missing")
	case cfg.UserInfo == nil:
		return nil, check.Bad("amsbridge", "user info", "is missing")
	case cfg.Caller == nil && !cfg.InsecureAnyCaller:
		return nil, check.Bad("amsbridge", "caller", "is missing; without a check whoever finds a token learns who the member is")
	case cfg.Caller != nil && cfg.InsecureAnyCaller:
		return nil, check.Bad("amsbridge", "insecure any caller", "is set beside a caller check")
	case v.fields.UserID == "" || v.fields.UserID == "valid":
		return nil, check.Bad("amsbridge", "fields.user ID", "is empty or \"valid\"")
	}
	var err error
	v.limit, err = newLimiter("per address", cfg.PerAddress, 1200, cfg.Now)
	return v, err
}

// CallerSecret returns a check that asks for the header "Authorization: Bearer
// <secret>". The secret has at least 32 random characters; it is compared in
// constant time.
func CallerSecret(secret string) (func(*http.Request) error, error) {
	if p := secretProblem([]byte(secret)); p != "" {
		return nil, check.Bad("amsbridge", "secret", p)
	}
	want := sha256.Sum256([]byte("Bearer " + secret))
	return func(r *http.Request) error {
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if len(r.Header.Values("Authorization")) != 1 || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			return errors.New("amsbridge: the caller did not prove itself")
		}
		return nil
	}, nil
}

// ServeHTTP answers one validation.
func (v *Validator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	closed(w.Header())
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	no := func(status int) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "{\"valid\":false}\n") // the caller may be gone
	}
	if !v.limit.allows(v.cfg.Address(r)) {
		w.Header().Set("Retry-After", "1")
		no(http.StatusTooManyRequests)
		return
	}
	if v.cfg.Caller != nil && v.cfg.Caller(r) != nil {
		no(http.StatusForbidden)
		return
	}
	token, status := v.token(w, r)
	if status != http.StatusOK {
		no(status)
		return
	}
	session, err := v.cfg.Sessions.Verify(r.Context(), token)
	if err != nil {
		no(http.StatusUnauthorized)
		return
	}
	user, err := v.cfg.UserInfo(r.Context(), session.UserID)
	if err != nil {
		no(http.StatusServiceUnavailable)
		return
	}
	user.ID = session.UserID
	body, err := json.Marshal(v.answer(user))
	if err != nil {
		no(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the caller may be gone
}

func (v *Validator) answer(u User) map[string]any {
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
	switch r.Method {
	case http.MethodGet:
		if v.cfg.AllowQuery {
			values = r.URL.Query()[v.cfg.TokenParam]
			break
		}
		fallthrough
	default:
		w.Header().Set("Allow", http.MethodPost)
		return "", http.StatusMethodNotAllowed
	case http.MethodPost:
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2*MaxToken))
		if err != nil {
			return "", http.StatusBadRequest
		}
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		switch kind {
		case "application/x-www-form-urlencoded":
			form, err := url.ParseQuery(string(body))
			if err != nil {
				return "", http.StatusBadRequest
			}
			values = form[v.cfg.TokenParam]
		case "application/json":
			o, err := flatObject(bytes.TrimSpace(body), v.cfg.TokenParam)
			if err != nil {
				return "", http.StatusBadRequest
			}
			if s, ok := o[v.cfg.TokenParam].(string); ok {
				values = []string{s}
			}
		default:
			return "", http.StatusUnsupportedMediaType
		}
	}
	if len(values) != 1 || strings.TrimSpace(values[0]) == "" {
		return "", http.StatusBadRequest
	}
	return values[0], http.StatusOK
}
