package notified

import (
	"net/url"
	"strconv"
	"strings"
)

// reply is what the platform answered, in whatever output format. Its texts are
// not scrubbed and its numbers not checked.
type reply struct {
	// failed is set for the second root, CallFailed; diagnostic is its Diag then.
	failed     bool
	result     string // APICallResult
	diagnostic string // APICallDiagnostic
	processed  string // OpCodesProcessed
	inError    string // OpCodesInError
	ops        []opResult
}

// opResult is one opcode's part of a reply.
type opResult struct {
	code, status, message string
	rows                  []row
}

// row is one row of outputs, in the order in which they came.
type row []field

type field struct{ name, value string }

// one returns the value of a name that the row has exactly once, or "".
func (r row) one(name string) string {
	value, n := "", 0
	for _, f := range r {
		if f.name == name {
			value = f.value
			n++
		}
	}
	if n != 1 {
		return ""
	}
	return value
}

// number reads a whole number of at most nine digits.
func number(s string) (int, bool) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || len(digits) > 9 || !allDigits(digits) {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// plain undoes the percent-encoding that text values may have. Text that only
// looks encoded, such as "100% sure", stays as it is.
func plain(s string) string {
	if strings.Contains(s, "%") {
		if u, err := url.QueryUnescape(s); err == nil {
			s = u
		}
	}
	return strings.TrimSpace(s) // U+00A0 is white space too
}
