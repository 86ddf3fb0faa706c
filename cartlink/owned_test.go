package cartlink

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

func TestCartLinkOfWhatTheMemberOwns(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	e.user, e.userErr = amsbridge.User{ID: "U-1"}, nil
	e.records = []outbox.Record{e.registered(outbox.StateDelivered)}
	rec := e.browser().get("hop=1&product=course", "same-origin")
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, "/sso/hand-off?to=elevate&product=course", rec.Header().Get("Location"))
	e.records = []outbox.Record{e.registered(outbox.StatePending)}
	require.Contains(t, e.browser().get("hop=1&product=course", "same-origin").Body.String(),
		"finishing your registration")
	e.records = []outbox.Record{e.registered(outbox.StateParked)}
	require.Contains(t, e.browser().get("hop=1&product=course", "same-origin").Body.String(), "looking after")
	require.Zero(t, e.sets)
	require.Equal(t, http.StatusSeeOther, e.browser().get("hop=1&product=a%26b%3Dc+%C3%A9", "same-origin").Code)
	require.Equal(t, 1, e.sets, "another product is sold")
	e.links.cfg.WalkIn = nil
	e.records = []outbox.Record{e.registered(outbox.StateDelivered)}
	require.Contains(t, e.browser().get("hop=1&product=course", "same-origin").Body.String(),
		`href="https://learn.example.org/c-1"`)
	e.userErr = errors.New("planted")
	require.Equal(t, http.StatusSeeOther, e.browser().get("hop=1&product=course", "same-origin").Code,
		"what cannot be found out stops nobody")
}
