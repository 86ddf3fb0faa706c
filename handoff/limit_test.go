package handoff

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// A page that waits and looks again by itself uses nothing up, in however many tabs, whether it is the shop
// that waits or the platform that does not know the member yet.
func TestHandOffWaitingPagesAreNotCounted(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *Config) { c.PerUser = 3 })
	e.mint = func(amsbridge.UserID, amsbridge.Product) (string, error) {
		return "", &outbox.DeliveryError{Outcome: outbox.OutcomeNotReady, Code: "71"}
	}
	e.records = []outbox.Record{e.registered("C-1", outbox.StatePending)}
	for range 200 { // ten minutes in two tabs, and faster
		require.Equal(t, http.StatusOK, e.get("to=elevate&product=course").Code)
		require.Equal(t, http.StatusOK, e.get("to=notified&product=dinner").Code)
	}
	e.now = e.now.Add(time.Minute)
	e.mint = func(amsbridge.UserID, amsbridge.Product) (string, error) { return events + "/in", nil }
	require.Equal(t, http.StatusFound, e.get("to=notified&product=dinner").Code)
	require.Equal(t, http.StatusOK, e.get("to=elevate").Code)
	require.Equal(t, http.StatusSeeOther, e.get("to=pull").Code)
	require.Equal(t, http.StatusTooManyRequests, e.get("to=elevate").Code, "hand-offs are counted")
	require.Equal(t, http.StatusTooManyRequests, e.get("to=notified&product=dinner").Code)
	require.Equal(t, http.StatusOK, e.get("to=elevate&product=course").Code, "and waiting goes on")
}

// Many members behind one address, signed in or not, are not in each other's way.
func TestHandOffsOfOneAddressAreNotCountedTogether(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	e.userErr = amsbridge.ErrSignedOut
	for range 500 {
		require.Equal(t, http.StatusSeeOther, e.get("to=elevate").Code)
	}
	e.userErr = nil
	for i := range 500 {
		e.user.ID = amsbridge.UserID(fmt.Sprint("U-", i))
		require.Equal(t, http.StatusOK, e.get("to=elevate").Code)
	}
}

// However often one member's waiting page is loaded, the platform is asked about once a second: what it allows is
// for all members of the association.
func TestHandOffWaitingPagesSpareThePlatform(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	calls := 0
	e.mint = func(amsbridge.UserID, amsbridge.Product) (string, error) {
		calls++
		return "", &outbox.DeliveryError{Outcome: outbox.OutcomeNotReady, Code: "71"}
	}
	for range 1000 {
		rec := e.get("to=notified&product=dinner")
		require.Equal(t, http.StatusOK, rec.Code)
		require.Contains(t, rec.Body.String(), "finishing your registration")
	}
	require.Equal(t, ticketCalls, calls)
	require.Equal(t, http.StatusOK, e.get("to=elevate").Code, "and waiting uses up no hand-off")
	e.user.ID = "U-2"
	e.get("to=notified&product=dinner")
	require.Equal(t, ticketCalls+1, calls, "another member waits for nobody")
	e.user.ID = "U-1"
	e.now = e.now.Add(time.Second)
	e.get("to=notified&product=dinner")
	require.Equal(t, ticketCalls+2, calls)

	many := newEnv(t, func(c *Config) { c.PerUser = 100 })
	many.mint = func(amsbridge.UserID, amsbridge.Product) (string, error) { return events + "/in", nil }
	for range 100 {
		require.Equal(t, http.StatusFound, many.get("to=notified&product=dinner").Code)
	}
}
