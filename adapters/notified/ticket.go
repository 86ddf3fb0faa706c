package notified

import (
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"
)

// loginCmd is the LASCmd that takes a ticket, as public code has it.
const loginCmd = "LASCmd=AI:4;F:APIUTILS!50505"

// maxTicket is more than any ticket that was seen; a longer one is none.
const maxTicket = 1024

const maskedTicket = "notified.Ticket(masked)"

// Ticket logs one person in at a show, within a minute of its minting. Printing,
// logging or encoding it shows no secret. The zero value is none.
type Ticket struct {
	// No printer looks into a function, even where the methods below are not
	// called.
	secret func() (key, url string)
}

// newTicket takes a ticket of the platform's. One that is no single word is
// refused: what it was encoded as cannot be told.
func newTicket(baseURL, key string) (Ticket, bool) {
	odd := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	if key == "" || len(key) > maxTicket || !utf8.ValidString(key) || strings.ContainsFunc(key, odd) {
		return Ticket{}, false
	}
	url := baseURL + "?" + loginCmd + "&LoginTicketKey=" + escape(key)
	return Ticket{func() (string, string) { return key, url }}, true
}

// Key returns the ticket itself, or "" for none. It is a secret.
func (t Ticket) Key() string {
	if t.secret == nil {
		return ""
	}
	key, _ := t.secret()
	return key
}

// URL returns where to send the member's browser, on the host of
// Config.BaseURL, or "" for none. It holds the ticket, hence is a secret.
func (t Ticket) URL() string {
	if t.secret == nil {
		return ""
	}
	_, url := t.secret()
	return url
}

// String shows nothing secret.
func (t Ticket) String() string { return maskedTicket }

// GoString shows nothing secret.
func (t Ticket) GoString() string { return maskedTicket }

// LogValue shows nothing secret.
func (t Ticket) LogValue() slog.Value { return slog.StringValue(maskedTicket) }

// MarshalJSON shows nothing secret.
func (t Ticket) MarshalJSON() ([]byte, error) { return []byte(`"` + maskedTicket + `"`), nil }
