package notified

import (
	"errors"
	"strings"
)

// OutputFormat is the form in which the platform is asked to answer. All three
// are read to the same result.
type OutputFormat string

// The output formats of the vendor's text, under its own letters.
const (
	// FormatXML is X. It alone shows whether a reply is whole.
	FormatXML OutputFormat = "X"
	// FormatPairs is H, "HTTP URL-encoded". A reply cut after a whole pair, or
	// within the last value, looks like a shorter one.
	FormatPairs OutputFormat = "H"
	// FormatText is T. A reply cut after a whole line, or within the last value,
	// looks like a shorter one, and a diagnostic or message that spans lines
	// cannot be told from what follows it.
	FormatText OutputFormat = "T"
)

func (f OutputFormat) known() bool { return f == FormatXML || f == FormatPairs || f == FormatText }

// All that is said of a reply that cannot be read: what it holds may be secret.
var (
	errNotPairs = errors.New("the reply is not the H format of the opcode API")
	errNotText  = errors.New("the reply is not the text of the opcode API")
)

// parse reads a reply. The root CallFailed is known as XML alone, so XML is read
// for its sake whatever the format, and for nothing else.
func (f OutputFormat) parse(body string) (reply, error) {
	parse, notReply := parseText, errNotText
	switch f {
	case FormatXML:
		return parseXML(body)
	case FormatPairs:
		parse, notReply = parsePairs, errNotPairs
	}
	if !strings.HasPrefix(content(body), "<") {
		return parse(body)
	}
	if r, err := parseXML(body); err == nil && r.failed {
		return r, nil
	}
	return reply{}, notReply
}

// content is a body without what may stand around it: a byte order mark and
// white space, U+00A0 included.
func content(body string) string {
	return strings.TrimSpace(strings.TrimPrefix(body, "\ufeff"))
}
