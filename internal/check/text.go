package check

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text says what is wrong with a required text of at most limit bytes: it is empty, too long, not valid
// UTF-8, or has control characters. It returns "" for a good one.
func Text(s string, limit int) string {
	switch {
	case s == "":
		return "is empty"
	case len(s) > limit:
		return fmt.Sprintf("is longer than %d bytes", limit)
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	case strings.ContainsFunc(s, IsControl):
		return "has control characters"
	}
	return ""
}

// Email says what is wrong with an e-mail address of at most limit bytes, which must be a bare one (RFC 5322
// addr-spec).
func Email(s string, limit int) string {
	if problem := Text(s, limit); problem != "" {
		return problem
	}
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
		return "is not an e-mail address"
	}
	return ""
}

// IsControl includes the line and paragraph separators, which break lines in logs and pages like a line
// feed.
func IsControl(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// Name says what is wrong with the name of a cookie, a parameter or a key, which must be 1 to limit of
// [A-Za-z0-9._-].
func Name(s string, limit int) string {
	if s == "" || len(s) > limit || strings.Trim(s, letters+"0123456789._-") != "" {
		return fmt.Sprintf("is not 1 to %d of [A-Za-z0-9._-]", limit)
	}
	return ""
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Secret says what is wrong with a secret that should be random: it refuses what no random generator
// returns. It cannot tell that the others are random.
func Secret(secret []byte) string {
	if len(secret) < MinSecret {
		return fmt.Sprintf("is shorter than %d bytes", MinSecret)
	}
	var seen [256]bool
	distinct := 0
	for _, b := range secret {
		if !seen[b] {
			seen[b] = true
			distinct++
		}
	}
	if distinct < 8 {
		return "is not random"
	}
	return ""
}

// MinSecret is the shortest secret, in bytes (RFC 7518 section 3.2).
const MinSecret = 32

// Problem returns the Problem of an [*InputError], and "" for any other error.
func Problem(err error) string {
	var bad *InputError
	if errors.As(err, &bad) {
		return bad.Problem
	}
	return ""
}
