package ssoverify

import (
	"context"
	"net/http"
	"net/url"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/render"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/pages"
)

// AcceptConfig configures [Verifier.Accept].
type AcceptConfig struct {
	// TokenParam is the name of the token's field. Defaults to "token".
	TokenParam string
	// AllowQuery also takes the token from the query of a GET, for hand-offs by query. Defaults to
	// false: only forms.
	AllowQuery bool
	// Refused answers requests whose token is not accepted. It is not told the reason, which is in the
	// audit. Defaults to a plain page with status 403.
	Refused http.Handler
	// Pages say how that page looks.
	Pages pages.Config
}

// handOffKey is the key of a request's hand-off.
type handOffKey struct{}

// HandOffFrom returns the hand-off that [Verifier.Accept] accepted for a request.
func HandOffFrom(ctx context.Context) (HandOff, bool) {
	h, ok := ctx.Value(handOffKey{}).(HandOff)
	return h, ok
}

// Accept is the receiver's side of a hand-off: middleware for the URL in handoff.Platform. It takes the
// token from a posted form, of whatever site, since the token itself is the proof. It verifies the
// token and calls next, where [HandOffFrom] returns the member. Next signs the member in and redirects,
// so that a reload does not send the form again. HEAD, prefetches, previews, frames and images use no
// token up. Every answer is no-store and no-referrer.
//
// Where the receiver started the hand-off, next must compare the Nonce and the field "state" with what
// it kept in the browser's session.
func (v *Verifier) Accept(cfg AcceptConfig, next http.Handler) (http.Handler, error) {
	if cfg.TokenParam == "" {
		cfg.TokenParam = "token"
	}
	if check.IsNil(next) {
		return nil, check.Bad("ssoverify", "next", "is nil")
	}
	if check.Name(cfg.TokenParam, 64) != "" {
		return nil, check.Bad("ssoverify", "AcceptConfig.TokenParam", check.Name(cfg.TokenParam, 64))
	}
	renderer, err := render.New("ssoverify", cfg.Pages)
	if err != nil {
		return nil, check.Renamed(err, "ssoverify", "Config", "AcceptConfig")
	}
	if cfg.Refused == nil {
		cfg.Refused = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			renderer.Write(w, http.StatusForbidden, pages.Page{
				Name: "problem", Title: "We could not sign you in",
				Text: []string{"The link was used before, or is too old. Please go back to the shop and try again."},
			}, false)
		})
	}
	methods := []string{http.MethodPost}
	if cfg.AllowQuery {
		methods = append(methods, http.MethodGet, http.MethodHead)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.Private(w.Header())
		if !web.Allow(w, r, methods...) {
			return
		}
		if r.Method != http.MethodPost && !web.IsNavigation(r) {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		token, ok := tokenOf(w, r, cfg.TokenParam)
		if !ok {
			cfg.Refused.ServeHTTP(w, r)
			return
		}
		h, err := v.Verify(r.Context(), token)
		if err != nil {
			cfg.Refused.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), handOffKey{}, h)))
	}), nil
}

// tokenOf reads the one token of a form, or of a GET's query.
func tokenOf(w http.ResponseWriter, r *http.Request, param string) (string, bool) {
	var values url.Values
	var err error
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, 4*ssotoken.MaxToken)
		err = r.ParseForm()
		values = r.PostForm
	} else {
		values, err = url.ParseQuery(r.URL.RawQuery)
	}
	if err != nil || len(values[param]) != 1 {
		return "", false
	}
	return values[param][0], true
}

// sessionKey is the key of a request's pull session.
type sessionKey struct{}

// SessionFrom returns the pull session that [Sessions.Require] accepted for a request.
func SessionFrom(ctx context.Context) (Session, bool) {
	s, ok := ctx.Value(sessionKey{}).(Session)
	return s, ok
}

// Require is middleware for a service of the shop on the cookie's domain. It calls next for a request
// whose cookie of that name is a valid pull session, and otherwise for any other request, which should
// be sent to sign in. Neither may be nil.
func (v *Sessions) Require(cookie string, next, otherwise http.Handler) (http.Handler, error) {
	switch {
	case check.Name(cookie, 64) != "":
		return nil, check.Bad("ssoverify", "cookie", check.Name(cookie, 64))
	case check.IsNil(next):
		return nil, check.Bad("ssoverify", "next", "is nil")
	case check.IsNil(otherwise):
		return nil, check.Bad("ssoverify", "otherwise", "is nil")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found := r.CookiesNamed(cookie)
		if len(found) != 1 { // two cookies of one name are an attack
			otherwise.ServeHTTP(w, r)
			return
		}
		s, err := v.Verify(r.Context(), found[0].Value)
		if err != nil {
			otherwise.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), sessionKey{}, s)))
	}), nil
}
