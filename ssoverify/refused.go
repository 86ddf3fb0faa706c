package ssoverify

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/internal/web"
)

// ErrInvalidToken matches every [*TokenError], for errors.Is.
var ErrInvalidToken = errors.New("ssoverify: the token is not valid")

// TokenError is a refused token. Its message is the same whatever the reason, so that a page can show
// it and a forger learns nothing from it.
type TokenError struct {
	// Err is the reason, for logs. It says what is wrong; for the header, issuer, audience and times
	// also what was expected and what the token says. It holds nothing else of the token, and nothing
	// about the member.
	Err error
}

// Error returns the message of [ErrInvalidToken].
func (e *TokenError) Error() string { return ErrInvalidToken.Error() }

// Unwrap returns the reason.
func (e *TokenError) Unwrap() error { return e.Err }

// Is reports whether target is [ErrInvalidToken].
func (e *TokenError) Is(target error) bool { return target == ErrInvalidToken }

// IsReplay tells whether a token was refused because it was used before; most often the member pressed
// Back.
func IsReplay(err error) bool { return errors.Is(err, errUsed) }

// mismatch says that a value of a token is not the expected one.
func mismatch(what, expected string, got any) error {
	return fmt.Errorf("%s is %s, expected %q", what, shown(got), expected)
}

// known are the typ and alg values that a log may quote.
var known = []string{
	ssotoken.HandOffType, ssotoken.SessionType, "JWT", "at+jwt", "none",
	"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
}

// shown returns a token's value as a log may hold it. Nobody has checked the token yet, and a stranger may
// have written names or secrets into it. So a text is quoted only if it is a well-known typ or alg, or the
// origin of a URL; of any other only the length is told.
func shown(value any) string {
	s, ok := value.(string)
	if value == nil {
		return "missing"
	}
	if !ok {
		return "not a text"
	}
	u, err := url.Parse(s)
	isOrigin := err == nil && len(s) <= 100 && web.Origin(u) == strings.TrimSuffix(s, "/")
	if isOrigin || slices.Contains(known, s) { // an empty text is the origin of an empty URL
		return strconv.Quote(s)
	}
	return fmt.Sprintf("another text of %d bytes", len(s))
}

// failedError says which of the caller's own parts failed. It does not show the cause's text, which may
// hold anything.
type failedError struct {
	what string
	err  error
}

func (e *failedError) Error() string { return e.what + " failed" }
func (e *failedError) Unwrap() error { return e.err }

// reasonOf is what an audit row says of a refusal.
func reasonOf(err error) string {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return "the request ended"
	}
	return err.Error()
}
