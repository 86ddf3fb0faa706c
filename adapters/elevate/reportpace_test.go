package elevate_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/outbox"
)

// clock is a clock that the test sets.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func TestReportsKeepTheirDistance(t *testing.T) {
	t.Parallel()
	status, retryAfter, calls := http.StatusOK, "", 0
	c := &clock{at: since}
	cfg := reportsConfig(serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Retry-After", retryAfter)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, oneRow)
	}))
	cfg.MinInterval, cfg.Now = 0, c.now
	client := newReports(t, cfg)
	pull := func() error {
		_, err := all(t, client.Registrations(t.Context(), since))
		return err
	}
	tooSoon := func(wait time.Duration) {
		t.Helper()
		before := calls
		var soon *elevate.TooSoonError
		require.ErrorAs(t, pull(), &soon)
		require.Equal(t, wait, soon.Wait)
		require.ErrorContains(t, soon, wait.String())
		require.Equal(t, before, calls)
	}
	require.NoError(t, pull())
	tooSoon(time.Hour)
	c.pass(time.Hour - 1)
	tooSoon(1)
	c.pass(1)
	status = http.StatusInternalServerError
	require.Error(t, pull())
	tooSoon(time.Hour) // a failed report counts
	c.pass(time.Hour)

	status, retryAfter = http.StatusTooManyRequests, "7200"
	var d *outbox.DeliveryError
	require.ErrorAs(t, pull(), &d)
	require.Equal(t, outbox.OutcomeThrottled, d.Outcome)
	require.Equal(t, 2*time.Hour, d.RetryAfter)
	tooSoon(2 * time.Hour)
	c.pass(2 * time.Hour)
	retryAfter = "60"
	require.Error(t, pull())
	tooSoon(time.Hour) // the longer wait wins
	c.pass(time.Hour)
	status = http.StatusOK
	require.NoError(t, pull())
	require.Equal(t, 5, calls)

	// A negative interval sets none; a wait that Elevate asks for is still kept.
	cfg.MinInterval = -1
	client = newReports(t, cfg)
	require.NoError(t, pull())
	require.NoError(t, pull())
	status = http.StatusServiceUnavailable
	require.Error(t, pull())
	tooSoon(time.Minute)
}

func TestReportOfWhichNothingWasSentDoesNotCount(t *testing.T) {
	t.Parallel()
	cfg := reportsConfig(nobody)
	cfg.MinInterval = time.Hour
	client := newReports(t, cfg)
	for range 2 {
		_, err := all(t, client.Registrations(t.Context(), since))
		var d *outbox.DeliveryError
		require.ErrorAs(t, err, &d)
		require.Equal(t, outbox.OutcomeUnavailable, d.Outcome)
	}
}

func TestConcurrentReportsAreOne(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	calls := 0
	cfg := reportsConfig(serve(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		calls++
		_, _ = io.WriteString(w, oneRow)
	}))
	cfg.MinInterval = time.Hour
	client := newReports(t, cfg)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for _, err := range client.Registrations(context.Background(), since) {
				_ = errors.As(err, new(*elevate.TooSoonError))
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, calls)
}

func TestReportsEndWithTheirTime(t *testing.T) {
	t.Parallel()
	cfg := reportsConfig(serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	cfg.Timeout = time.Millisecond
	_, err := all(t, newReports(t, cfg).Registrations(t.Context(), since))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	requireClean(t, err.Error())
}
