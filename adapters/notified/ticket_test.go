package notified

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTicket(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ key, url string }{
		"plain":     {"LT-1.x_~", "LT-1.x_~"},
		"escaped":   {"a+b/c=&d;#?%41\u00e9", "a%2Bb%2Fc%3D%26d%3B%23%3F%2541%C3%A9"},
		"long":      {strings.Repeat("x", maxTicket), strings.Repeat("x", maxTicket)},
		"too long":  {strings.Repeat("x", maxTicket+1), ""},
		"none":      {"", ""},
		"two words": {"a b", ""},
		"two lines": {"a\nb", ""},
		"control":   {"a\x00b", ""},
		"not UTF-8": {"a\xffb", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ticket, ok := newTicket(BaseURLAPAC, c.key)
			require.Equal(t, c.url != "", ok)
			if !ok {
				require.Equal(t, Ticket{}, ticket)
				require.Empty(t, ticket.Key()+ticket.URL())
				return
			}
			require.Equal(t, c.key, ticket.Key())
			require.Equal(t, "https://api.apac.onlinexperiences.com/scripts/Server.nxp?LASCmd=AI:4;F:APIUTILS!50505&LoginTicketKey="+c.url, ticket.URL())
		})
	}
}

// TestTicketShowsNothing: however it is printed, logged or encoded, inside other values too.
func TestTicketShowsNothing(t *testing.T) {
	t.Parallel()
	ticket, ok := newTicket(BaseURL, "planted-ticket")
	require.True(t, ok)
	type hidden struct{ t Ticket }
	var said bytes.Buffer
	for _, v := range []any{ticket, &ticket, hidden{ticket}, []Ticket{ticket}, map[string]any{"t": ticket}, Step{Ticket: ticket}, []Step{{Ticket: ticket}}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
			fmt.Fprintf(&said, verb, v)
		}
		b, err := json.Marshal(v)
		require.NoError(t, err)
		said.Write(b)
		slog.New(slog.NewTextHandler(&said, nil)).Info("x", "t", v)
		slog.New(slog.NewJSONHandler(&said, nil)).Info("x", "t", v)
	}
	fmt.Fprintln(&said, fmt.Errorf("%v %w", ticket, errNoCount))
	require.Contains(t, said.String(), maskedTicket)
	require.NotContains(t, said.String(), "planted")
	require.NotContains(t, strings.ToLower(said.String()), fmt.Sprintf("%x", "planted"))
}

// FuzzTicket: every accepted ticket reaches the platform byte for byte, as the last parameter, on the
// configured host.
func FuzzTicket(f *testing.F) {
	f.Add("LT-1")
	f.Add("a+b/c=&LASCmd=x;#?%41\u00e9")
	f.Fuzz(func(t *testing.T, key string) {
		ticket, ok := newTicket(BaseURL, key)
		if !ok {
			require.Empty(t, ticket.URL())
			return
		}
		before, escaped, found := strings.Cut(ticket.URL(), "&LoginTicketKey=")
		require.True(t, found)
		require.Equal(t, BaseURL+"?"+loginCmd, before)
		require.NotRegexp(t, "[^A-Za-z0-9._~%-]", escaped)
		got, err := url.PathUnescape(escaped)
		require.NoError(t, err)
		require.Equal(t, key, got)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", ticket, ticket, ticket), "LoginTicketKey")
	})
}
