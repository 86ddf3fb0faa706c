package record

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// tokenLike finds compact JWS: three parts of base64url, the first of which is
// the beginning of a JSON object.
var tokenLike = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`)

// emailLike finds the e-mail addresses of the example's members.
var emailLike = regexp.MustCompile(`[A-Za-z0-9.]+@example\.org`)

// tokens returns the tokens within a text, whether or not it is
// percent-encoded, each once.
func tokens(text string) []string {
	found := tokenLike.FindAllString(text+" "+unescaped(text), -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// unescaped is a text without its percent-encoding, or the text itself.
func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// holdsPart tells whether a text holds a token, or the claims or the signature
// of one: neither may stand anywhere alone. All headers of one key are alike, so
// that part alone tells nothing.
func holdsPart(text, token string) bool {
	text += " " + unescaped(text)
	parts := strings.Split(token, ".")
	return slices.ContainsFunc(parts[1:], func(part string) bool { return strings.Contains(text, part) })
}

// ticketParam names Notified's login ticket in a URL, from public code. It stands
// in one URL by the vendor's design, and nowhere else.
const ticketParam = "LoginTicketKey"

// ticket returns the login ticket that a URL brings, or "".
func ticket(at string) string {
	u, err := url.Parse(at)
	if err != nil {
		return ""
	}
	return u.Query().Get(ticketParam)
}

// address is a URL without its query and fragment, for reports.
func address(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "an address that is none"
	}
	return u.Scheme + "://" + u.Host + u.Path
}
