package ssoverify

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/query"
	"github.com/amsbridge/amsbridge/internal/render"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/pages"
)

// AcceptConfig configures [Verifier.Accept].
type AcceptConfig struct {
	// TokenParam is the name of the token's field. Defaults to "token".
	TokenParam string
	// AllowQuery also takes the token from the query of a GET, for hand-offs by query. Any link on any
	// site can then sign a browser in, so set a Nonce too. Defaults to false: only forms.
	AllowQuery bool
	// Nonce returns the nonce that the receiver gave this browser when it started the hand-off, from the
	// browser's own session there. A token with another nonce or with none is refused, and so is every
	// token where it returns an empty nonce or an error. The receiver forgets the nonce once it was used.
	// Defaults to none: whoever has a token of their own can bring it to somebody else's browser.
	Nonce func(*http.Request) (string, error)
	// Origins are the origins whose pages may post a token, each scheme://host: the shop's. Its
	// handoff.Platform must say TellOrigin. A form of another origin, or of none that the browser tells,
	// is refused. They cannot be set beside AllowQuery, since a browser tells no origin with a GET.
	// Defaults to every origin.
	Origins []string
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
// token from a posted form, verifies it and calls next, where [HandOffFrom] returns the member. Next signs
// the member in and redirects, so that a reload does not send the form again. Only what a person's window
// opens is taken: HEAD, prefetches, previews, and what is sent for a frame, an image or a script use no
// token up. Every answer is no-store and no-referrer.
//
// A token proves who the member is, and not that they sit at this browser: anybody who may sign in at the
// shop can post a token of their own from a page of theirs, and whoever opens that page is then signed in as
// them. [AcceptConfig]'s Origins and Nonce prevent it. Whether they are set or not, next owes the member
// two things:
//
//   - It begins a new session with a new ID, whatever session the browser had, and takes nothing over from
//     another member's: no cart, no form that is half filled in.
//   - It shows on every page whose account this is, so that a member who was signed in as somebody else
//     notices before they type or pay.
//
// The field "state" is next's to compare with what it kept in the browser's session.
func (v *Verifier) Accept(cfg AcceptConfig, next http.Handler) (http.Handler, error) {
	if cfg.TokenParam == "" {
		cfg.TokenParam = "token"
	}
	cfg.Origins = slices.Clone(cfg.Origins)
	if err := cfg.check(next); err != nil {
		return nil, err
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
			})
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
		if r.Method == http.MethodHead || !web.Navigates(r) {
			web.RefuseUnseen(w, r)
			return
		}
		h, err := v.accept(w, r, cfg)
		if err != nil {
			cfg.Refused.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), handOffKey{}, h)))
	}), nil
}

// check names the first bad field.
func (cfg AcceptConfig) check(next http.Handler) error {
	switch {
	case check.IsNil(next):
		return check.Bad("ssoverify", "next", "is nil")
	case check.Name(cfg.TokenParam, 64) != "":
		return check.Bad("ssoverify", "AcceptConfig.TokenParam", check.Name(cfg.TokenParam, 64))
	case len(cfg.Origins) > 0 && cfg.AllowQuery:
		return check.Bad("ssoverify", "AcceptConfig.Origins",
			"are set beside AllowQuery, and no browser tells one with a GET")
	}
	for i, o := range cfg.Origins {
		if u, err := url.Parse(o); err != nil || o == "" || web.Origin(u) != o {
			return check.Bad("ssoverify", fmt.Sprintf("AcceptConfig.Origins[%d]", i),
				"is not of the form https://host or https://host:port, in lower case")
		}
	}
	return nil
}

// accept reads and verifies the token of a request. A refusal is in the audit.
func (v *Verifier) accept(w http.ResponseWriter, r *http.Request, cfg AcceptConfig) (HandOff, error) {
	if len(cfg.Origins) > 0 {
		from := r.Header.Values("Origin")
		if len(from) != 1 || !slices.Contains(cfg.Origins, from[0]) {
			return HandOff{}, v.reader.auditAndWrap(r.Context(), v.audit, token{}, errOrigin)
		}
	}
	text, ok := tokenOf(w, r, cfg.TokenParam)
	if !ok {
		return HandOff{}, v.reader.auditAndWrap(r.Context(), v.audit, token{}, errNoToken)
	}
	if cfg.Nonce == nil {
		return v.verify(r.Context(), text, nil)
	}
	return v.verify(r.Context(), text, func(h HandOff) error {
		switch want, err := cfg.Nonce(r); {
		case err != nil:
			return &failedError{what: "the look-up of the nonce", err: err}
		case want == "" || subtle.ConstantTimeCompare([]byte(want), []byte(h.Nonce)) != 1:
			return errNonce
		}
		return nil
	})
}

// Reasons of refusals that only Accept has.
var (
	errOrigin  = errors.New("the form comes from an origin that may not post tokens")
	errNoToken = errors.New("the request has not one token")
	errNonce   = errors.New("claims: nonce is not the one that this browser was given")
)

// tokenOf reads the one token of a form, or of a GET's query.
func tokenOf(w http.ResponseWriter, r *http.Request, param string) (string, bool) {
	var values url.Values
	var err error
	if r.Method == http.MethodPost {
		values, err = query.Form(w, r, 4*ssotoken.MaxToken)
	} else {
		values, err = query.Read(r.URL.RawQuery, param)
	}
	if err != nil || len(values[param]) != 1 {
		return "", false
	}
	return values[param][0], true
}
