package notified

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// OutputFormat is the form in which the platform is asked to answer. All three are read to the same result.
type OutputFormat string

// The output formats of the vendor's text, with its letters.
const (
	// FormatXML is X. It alone shows whether a reply is complete.
	FormatXML OutputFormat = "X"
	// FormatPairs is H, "HTTP URL-encoded". A reply cut after a whole pair, or within the last value,
	// looks like a complete shorter one.
	FormatPairs OutputFormat = "H"
	// FormatText is T. A reply cut after a whole line, or within the last value, looks like a complete
	// shorter one. The lines of a diagnostic or message that spans several cannot be told from what
	// follows.
	FormatText OutputFormat = "T"
)

// reply is a platform's reply in any output format. Its texts are not scrubbed and its numbers not
// checked.
type reply struct {
	// failed is the root of a reply without results that says that the call failed: CallFailed or
	// APIStatus. Its Diag is then the diagnostic, and its Code the result.
	failed     string
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

// row is one row of outputs, in the order of the reply.
type row []field

type field struct{ name, value string }

// parse reads a reply. The roots that report a failed call are known only in XML, so XML is tried in
// every format, but only for them.
func (f OutputFormat) parse(body string) (reply, error) {
	parse, notReply := parseXML, errNotXML
	switch f {
	case FormatPairs:
		parse, notReply = parsePairs, errNotPairs
	case FormatText:
		parse, notReply = parseText, errNotText
	}
	// The reply may be surrounded by a byte order mark and white space, U+00A0 included.
	body = strings.TrimSpace(strings.TrimPrefix(body, "\ufeff"))
	if !utf8.ValidString(body) {
		return reply{}, notReply
	}
	if f == FormatXML || !strings.HasPrefix(body, "<") {
		return parse(body)
	}
	if r, err := parseXML(body); err == nil && r.failed != "" {
		return r, nil
	}
	return reply{}, notReply
}

// one returns the value of a name that occurs exactly once in the row, or "".
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
	if len(digits) > 9 || !allDigits(digits) {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// allDigits tells whether s is one or more ASCII digits.
func allDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// plain decodes a text value that may be percent-encoded. Text that only looks encoded, such as "100%
// sure", is unchanged.
func plain(s string) string {
	if strings.Contains(s, "%") {
		if u, err := url.QueryUnescape(s); err == nil {
			s = u
		}
	}
	return strings.TrimSpace(s) // U+00A0 is white space too
}
