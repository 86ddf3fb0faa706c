package amsbridge_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/keytest"
	"github.com/amsbridge/amsbridge/ssokeys"
)

// A flood of refusals does not fill the audit, and hides neither another member's refusal nor what was
// accepted. What was left out is told.
func TestRefusalsDoNotFillTheAudit(t *testing.T) {
	t.Parallel()
	clock := keytest.NewClock(keytest.Time())
	var rows []amsbridge.SSOEvent
	audit := amsbridge.BoundRefusals(func(_ context.Context, e amsbridge.SSOEvent) { rows = append(rows, e) }, clock.Now)
	say := func(action amsbridge.SSOAction, user amsbridge.UserID) {
		audit(t.Context(), amsbridge.SSOEvent{Action: action, UserID: user, Reason: "planted"})
	}
	for range 10_000 {
		say(amsbridge.SSORefused, "")
	}
	require.Len(t, rows, 300)
	say(amsbridge.SSOVerified, "")
	require.Len(t, rows, 301, "what was let in is never left out")
	say(amsbridge.SSORefused, "U-1")
	require.Len(t, rows, 302)
	require.Equal(t, "planted; 9700 refusals before it were left out", rows[301].Reason)
	clock.Advance(time.Second)
	for range 100 {
		say(amsbridge.SSORefused, "")
	}
	require.Len(t, rows, 307, "five a second")
	require.Equal(t, "planted", rows[306].Reason)
}

// One token that is accepted again and again, and one member who signs out again and again, do not fill the audit
// and hide no other's row.
func TestRepeatsDoNotFillTheAudit(t *testing.T) {
	t.Parallel()
	clock := keytest.NewClock(keytest.Time())
	var rows []amsbridge.SSOEvent
	audit := amsbridge.BoundRefusals(func(_ context.Context, e amsbridge.SSOEvent) { rows = append(rows, e) }, clock.Now)
	verified := func(token string) {
		audit(t.Context(), amsbridge.SSOEvent{Action: amsbridge.SSOVerified, UserID: "U-1", TokenID: token})
	}
	for range 2000 {
		verified("A")
	}
	require.Len(t, rows, 300)
	verified("B")
	require.Len(t, rows, 301, "the first time is never left out")
	require.Equal(t, "1700 repeats before it were left out", rows[300].Reason)
	for range 5000 {
		audit(t.Context(), amsbridge.SSOEvent{Action: amsbridge.SSOSignedOut, UserID: "U-1"})
	}
	require.Len(t, rows, 601)
	for i := range 1000 {
		audit(t.Context(), amsbridge.SSOEvent{Action: amsbridge.SSOMinted, UserID: "U-1", TokenID: fmt.Sprint(i)})
		verified(fmt.Sprint(i))
	}
	require.Len(t, rows, 2601, "what was signed, and what was let in with it")
}

// The signer bounds its own rows.
func TestSSOBoundsItsAudit(t *testing.T) {
	t.Parallel()
	rows := 0
	cfg := ssoConfig(keytest.Generated(t, ssokeys.EdDSA, "k1"))
	cfg.Audit = func(context.Context, amsbridge.SSOEvent) { rows++ }
	sso := newSSO(t, cfg)
	for i := range 2000 {
		_, err := sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: fmt.Sprint("nowhere-", i)})
		require.Error(t, err)
	}
	require.LessOrEqual(t, rows, 300)
}
