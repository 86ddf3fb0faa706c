package watch

import (
	"net/url"
	"regexp"
	"strings"
)

// tokenLike finds compact JWS: three parts of base64url, the first of which is a
// JSON object's beginning.
var tokenLike = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`)

// mailLike finds the e-mail addresses of the example's members.
var mailLike = regexp.MustCompile(`[A-Za-z0-9.]+@example\.org`)

// tokens returns the tokens within a text, whether or not it is
// percent-encoded, each once.
func tokens(text string) []string {
	found := tokenLike.FindAllString(text, -1)
	if plain, err := url.QueryUnescape(text); err == nil && plain != text {
		found = append(found, tokenLike.FindAllString(plain, -1)...)
	}
	var once []string
	seen := map[string]bool{}
	for _, t := range found {
		if !seen[t] {
			seen[t], once = true, append(once, t)
		}
	}
	return once
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

// holdsPart tells whether a text holds a token, or the claims or the signature
// of one: neither may stand anywhere alone. All headers of one key are alike, so
// that part alone tells nothing.
func holdsPart(text, token string) bool {
	parts := strings.Split(token, ".")
	plain, err := url.QueryUnescape(text)
	if err != nil {
		plain = text
	}
	for _, part := range parts[1:] {
		if strings.Contains(text, part) || strings.Contains(plain, part) {
			return true
		}
	}
	return false
}

// address is a URL without its query and fragment, for reports.
func address(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "an address that is none"
	}
	return u.Scheme + "://" + u.Host + u.Path
}
