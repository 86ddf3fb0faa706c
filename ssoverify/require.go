package ssoverify

import (
	"context"
	"net/http"

	"github.com/amsbridge/amsbridge/internal/check"
)

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
