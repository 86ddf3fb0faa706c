package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryFaultPresetIsWaitedOut(t *testing.T) {
	t.Parallel()
	for _, preset := range []string{"slow", "down", "refusing"} {
		t.Run(preset, func(t *testing.T) {
			t.Parallel()
			at := open(t, "")
			b := signIn(t, at.Shop, "U-1001", "course-ethics", "event-gala")
			for _, site := range []string{at.Elevate, at.Notified} {
				require.Contains(t, b.post(site+"/sandbox/faults", "preset", preset).body, `value="`+preset+`" aria-pressed="true"`)
				require.Equal(t, preset+"\n", b.get(site+"/sandbox/faults").body)
			}
			placed := b.buy()
			require.Contains(t, placed.path, "/orders/W-", "the checkout calls nobody")
			require.Equal(t, 2, strings.Count(placed.body, ">queued<"))
			waits := b.get("/amsbridge/hand-off?to=elevate&product=course-ethics")
			require.Contains(t, waits.body, "We are finishing your registration")
			if preset != "slow" {
				b.until(at.Elevate+"/sandbox", "course-ethics")
				b.until(at.Notified+"/sandbox", "opcode M")
				page := b.until("/learning?watch=1", "takes longer than usual. Nothing is lost")
				require.Equal(t, 2, strings.Count(page, ">queued<"))
				require.Contains(t, page, "looks again every two seconds")
				require.Empty(t, b.get("/learning").header.Get("Refresh"), "it looks again for who asks")
				require.Equal(t, "2", b.get("/learning?watch=1").header.Get("Refresh"))
				require.Contains(t, b.get("/mail").body, "No mail yet")
			}
			for _, site := range []string{at.Elevate, at.Notified} {
				b.post(site+"/sandbox/faults", "preset", "none")
			}
			b.untilCount("/learning", ">delivered<", 2)
			b.untilCount("/mail", `data-test="mail"`, 2)
		})
	}
}

// One platform's faults are no matter of the other's.
func TestOnePlatformDown(t *testing.T) {
	t.Parallel()
	at := open(t, "")
	b := signIn(t, at.Shop, "U-1001", "track-leadership")
	b.post(at.Notified+"/sandbox/faults", "preset", "down")
	b.buy()
	page := b.until("/learning", ">delivered<")
	require.Contains(t, page, ">queued<")
	require.Contains(t, b.get(match(t, `href="([^"]*)" data-test="walk-in"`, page)).body, "On to Elevate")
	noEntry := signIn(t, at.Shop, "U-1002").get("/amsbridge/hand-off?to=notified&product=event-gala")
	require.Equal(t, http.StatusServiceUnavailable, noEntry.status, "no ticket is to be had")
	require.Contains(t, noEntry.body, "Notified cannot be reached just now")
	require.Equal(t, http.StatusBadRequest, b.post(at.Notified+"/sandbox/faults", "preset", "hail").status)
}
