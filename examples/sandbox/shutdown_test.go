package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A call that is held for an hour does not hold up the end.
func TestTheEndLetsHeldCallsGo(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{`{"kind": "hold after", "delay": "1h"}`, `{"kind": "slow", "delay": "1h"}`} {
		p := start(t)
		require.Equal(t, http.StatusSeeOther, p.post("/script", "platform", atNotified, "script", `{"rate": 1, "faults": [`+fault+`]}`).status)
		gone := make(chan error, 1)
		go func() {
			resp, err := http.Get(p.base + notifiedPath + "?LASCmd=AI:4;F:APIUTILS!50500")
			if err == nil {
				err = resp.Body.Close()
			}
			gone <- err
		}()
		require.Eventually(t, func() bool { return strings.Contains(p.page(), `data-label="Answer"`) }, 10*time.Second, 5*time.Millisecond)
		began := time.Now()
		p.stop()
		require.Less(t, time.Since(began), 4*time.Second, fault)
		require.Error(t, <-gone, "cut, since it has no answer")
	}
}
