package handoff

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"

	"github.com/amsbridge/amsbridge/internal/check"
)

// CallerSecret returns a check for [ValidatorConfig] that requires the header "Authorization: Bearer
// <secret>". The secret must have at least 32 random characters and is compared in constant time. A
// weaker one is an [*amsbridge.InputError]. The platform knows it, so it must be no key of the shop's own,
// such as a StateKey, which is not checked.
func CallerSecret(secret string) (func(*http.Request) error, error) {
	if p := check.Secret([]byte(secret)); p != "" {
		return nil, check.Bad("handoff", "secret", p)
	}
	want := sha256.Sum256([]byte("Bearer " + secret))
	return func(r *http.Request) error {
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if len(r.Header.Values("Authorization")) != 1 || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			return errors.New("handoff: the caller did not prove itself")
		}
		return nil
	}, nil
}
