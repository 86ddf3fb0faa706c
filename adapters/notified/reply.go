package notified

import (
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// errNotReply is the only error of a reply that cannot be read. A decoder's own would quote the reply, which
// may hold secrets.
var errNotReply = errors.New("what answers is not the opcode API: is Config.BaseURL right?")

// OutputFormat is the form in which the platform is asked to answer. All three are read to the same result,
// whichever was asked for.
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
	echoes     bool   // the diagnostic held something that was taken out of it
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

// pastFirst finds what stands between the first key of a reply in H or T and the next known one.
var pastFirst = regexp.MustCompile(`(?s)^[#\s\pZ]*\w+=.*?(&|[\s\pZ][#\s\pZ]*)` +
	`(?:APICallResult|APICallDiagnostic|OpCodesProcessed|OpCodesInError|OpCode)=`)

// formatOf returns the format in which a reply came, whatever was asked for: a server that answers in
// another one may have carried the call out all the same. Only XML begins with '<', and the keys of H are
// parted by '&', those of T by white space. A reply that shows neither is taken as it was asked for.
func formatOf(body string, asked OutputFormat) OutputFormat {
	body = trimmed(body)
	if strings.HasPrefix(body, "<") {
		return FormatXML
	}
	switch found := pastFirst.FindStringSubmatch(body); {
	case found == nil && asked == FormatPairs && !strings.HasPrefix(body, "#"):
		return FormatPairs
	case found != nil && found[1] == "&":
		return FormatPairs
	}
	return FormatText
}

// trimmed returns a reply without a byte order mark and the white space around it, U+00A0 included.
func trimmed(body string) string { return strings.TrimSpace(strings.TrimPrefix(body, "\ufeff")) }

// parse reads a reply of this format.
func (f OutputFormat) parse(body string) (reply, error) {
	parse := parseXML
	switch f {
	case FormatPairs:
		parse = parsePairs
	case FormatText:
		parse = parseText
	}
	if !utf8.ValidString(body) {
		return reply{}, errNotReply
	}
	return parse(trimmed(body))
}

// quote has quote take out of the platform's texts what nobody may read. What this package says around
// them stays as it is, or a cut in a known sentence would tell what was cut.
func (r *reply) quote(quote func(said string) string) {
	said := quote(r.diagnostic)
	r.diagnostic, r.echoes = said, said != r.diagnostic
	for i := range r.ops {
		r.ops[i].message = quote(r.ops[i].message)
	}
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

// number reads a whole number of at most nine digits. Leading zeros change nothing, and zero has no sign.
func number(s string) (int, bool) {
	digits := strings.TrimPrefix(s, "-")
	if len(digits) > 9 || !allDigits(digits) {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && (n != 0 || digits == s)
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
