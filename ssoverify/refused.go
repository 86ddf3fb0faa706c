package ssoverify

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
func mismatch(what string, expected, got any) error {
	return fmt.Errorf("%s is %s, expected %s", what, shown(got), shown(expected))
}

// shown returns a token's value as a log may hold it: short, quoted, in printable ASCII, without
// anything that could be an e-mail address.
func shown(value any) string {
	s, ok := value.(string)
	switch {
	case value == nil:
		return "missing"
	case !ok:
		return "not a text"
	case len(s) > 100:
		return fmt.Sprintf("a text of %d bytes", len(s))
	case strings.ContainsFunc(s, notShown):
		return "a text that is not shown"
	}
	return strconv.Quote(s)
}

func notShown(r rune) bool { return r < ' ' || r > '~' || r == '@' }

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
