package notified

import (
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"
)

// loginCmd is the LASCmd that redeems a ticket, known from public code.
const loginCmd = "LASCmd=AI:4;F:APIUTILS!50505"

// maxTicket is longer than any known ticket; longer text is not a ticket.
const maxTicket = 1024

const maskedTicket = "notified.Ticket(masked)"

// Ticket logs one person in at a show, within a minute of its minting. Printing, logging or encoding it
// shows no secret. The zero value is no ticket.
type Ticket struct {
	// secret is a function, so that no printing shows its values even where the methods below are not
	// called.
	secret func() (key, url string)
}

// newTicket checks a ticket of the platform. It refuses one that is not a single word, since its
// original encoding is unknown.
func newTicket(baseURL, key string) (Ticket, bool) {
	odd := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	if key == "" || len(key) > maxTicket || !utf8.ValidString(key) || strings.ContainsFunc(key, odd) {
		return Ticket{}, false
	}
	url := baseURL + "?" + loginCmd + "&LoginTicketKey=" + escape(key)
	return Ticket{func() (string, string) { return key, url }}, true
}

// Key returns the ticket itself, a secret, or "" for no ticket.
func (t Ticket) Key() string {
	if t.secret == nil {
		return ""
	}
	key, _ := t.secret()
	return key
}

// URL returns where to send the member's browser, on the host of Config.BaseURL, or "" for no ticket.
// It holds the ticket and is a secret.
func (t Ticket) URL() string {
	if t.secret == nil {
		return ""
	}
	_, url := t.secret()
	return url
}

// String shows no secret.
func (t Ticket) String() string { return maskedTicket }

// GoString shows no secret.
func (t Ticket) GoString() string { return maskedTicket }

// LogValue shows no secret.
func (t Ticket) LogValue() slog.Value { return slog.StringValue(maskedTicket) }

// MarshalJSON shows no secret.
func (t Ticket) MarshalJSON() ([]byte, error) { return []byte(`"` + maskedTicket + `"`), nil }
