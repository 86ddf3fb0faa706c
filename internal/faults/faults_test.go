package faults_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/faults"
)

const honest = "an honest answer"

// sandbox counts effects and misbehaves as the plan says.
func sandbox(t *testing.T, plan *faults.Plan) (url string, effects *atomic.Int32) {
	t.Helper()
	effects = &atomic.Int32{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		plan.Take().Serve(w, r, func(w http.ResponseWriter, _ *http.Request) {
			effects.Add(1)
			w.Header().Set("X-Honest", "yes")
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, honest)
		})
	}))
	t.Cleanup(srv.Close)
	return srv.URL, effects
}

func call(ctx context.Context, t *testing.T, url string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, resp.Body.Close())
	return resp, string(body), err
}

func TestServeAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault      faults.Fault
		status     int
		body       string
		retryAfter string
		kind       string
		effects    int32
	}{
		{fault: faults.Fault{}, status: 201, body: honest, effects: 1},
		{fault: faults.Fault{Kind: faults.Throttle, RetryAfter: "Sun, 06 Nov 1994 08:49:37 GMT"}, status: 429, body: "throttle", retryAfter: "Sun, 06 Nov 1994 08:49:37 GMT"},
		{fault: faults.Fault{Kind: faults.Throttle}, status: 429, body: "throttle"},
		{fault: faults.Fault{Kind: faults.ServerError}, status: 500, body: "server error"},
		{fault: faults.Fault{Kind: faults.ServerError, Effect: true}, status: 500, body: "server error", effects: 1},
		{fault: faults.Fault{Kind: faults.Unavailable, RetryAfter: "7"}, status: 503, body: "unavailable", retryAfter: "7"},
		{fault: faults.Fault{Kind: faults.Unauthorized}, status: 401, body: "unauthorized"},
		{fault: faults.Fault{Kind: faults.Forbidden}, status: 403, body: "forbidden"},
		{fault: faults.Fault{Kind: faults.Garbage}, status: 200, body: "<<>>"},
		{fault: faults.Fault{Kind: faults.Garbage, Body: "{", Effect: true}, status: 200, body: "{", effects: 1},
		{fault: faults.Fault{Kind: faults.Reply}, status: 200, kind: "application/json"},
		{fault: faults.Fault{Kind: faults.Reply, Status: 422, ContentType: "text/html", Body: "<p>", Effect: true}, status: 422, body: "<p>", kind: "text/html", effects: 1},
		{fault: faults.Fault{Kind: faults.LoginPage}, status: 200, body: "<title>Sign in</title>"},
		{fault: faults.Fault{Kind: faults.Slow, Delay: time.Millisecond}, status: 201, body: honest, effects: 1},
		{fault: faults.Fault{Kind: 200}, status: 500, body: "fault 200"},
	} {
		t.Run(c.fault.Kind.String(), func(t *testing.T) {
			t.Parallel()
			var plan faults.Plan
			plan.Next(c.fault)
			url, effects := sandbox(t, &plan)
			resp, body, err := call(t.Context(), t, url)
			require.NoError(t, err)
			require.Equal(t, c.status, resp.StatusCode)
			require.Contains(t, body, c.body)
			if c.kind != "" {
				require.Equal(t, c.kind, resp.Header.Get("Content-Type"))
			}
			require.Equal(t, c.retryAfter, resp.Header.Get("Retry-After"))
			require.Equal(t, c.effects, effects.Load())
		})
	}
}

func TestServeCuts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind    faults.Kind
		effects int32
		half    bool
	}{
		{faults.CutBefore, 0, false}, {faults.CutAfter, 1, false}, {faults.Truncate, 1, true},
	} {
		t.Run(c.kind.String(), func(t *testing.T) {
			t.Parallel()
			var plan faults.Plan
			plan.Next(faults.Fault{Kind: c.kind})
			url, effects := sandbox(t, &plan)
			resp, body, err := call(t.Context(), t, url)
			require.Error(t, err)
			if c.half {
				require.Equal(t, http.StatusCreated, resp.StatusCode)
				require.Equal(t, honest[:len(honest)/2], body)
			}
			require.Equal(t, c.effects, effects.Load())
		})
	}
}

func TestHoldAfterRelease(t *testing.T) {
	t.Parallel()
	var plan faults.Plan
	hold := faults.NewHold()
	plan.Next(faults.Fault{Kind: faults.HoldAfter, Hold: hold})
	url, effects := sandbox(t, &plan)
	go func() {
		<-hold.Held()
		hold.Release()
		hold.Release()
	}()
	resp, body, err := call(t.Context(), t, url)
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, resp.StatusCode)
	require.Equal(t, "yes", resp.Header.Get("X-Honest"))
	require.Equal(t, honest, body)
	require.EqualValues(t, 1, effects.Load())
}

// The server of these tests closes only once its handlers have returned: a hold that ignored the caller
// would hang them.
func TestCallerGoesAway(t *testing.T) {
	t.Parallel()
	t.Run("hold after", func(t *testing.T) {
		t.Parallel()
		var plan faults.Plan
		hold := faults.NewHold()
		plan.Next(faults.Fault{Kind: faults.HoldAfter, Hold: hold})
		url, effects := sandbox(t, &plan)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-hold.Held()
			cancel()
		}()
		_, _, err := call(ctx, t, url)
		require.ErrorIs(t, err, context.Canceled)
		require.EqualValues(t, 1, effects.Load())
	})
	for _, f := range []faults.Fault{{Kind: faults.HoldAfter}, {Kind: faults.Slow, Delay: time.Hour}} {
		t.Run(f.Kind.String()+", time-out", func(t *testing.T) {
			t.Parallel()
			var plan faults.Plan
			plan.Next(f)
			url, _ := sandbox(t, &plan)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, _, err := call(ctx, t, url)
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	var plan faults.Plan
	kind := func() faults.Kind { return plan.Take().Kind }
	require.Equal(t, faults.None, kind())
	plan.Next(faults.Fault{Kind: faults.Throttle}, faults.Fault{})
	plan.Decide(func(call int) faults.Fault {
		if call%2 == 0 {
			return faults.Fault{Kind: faults.CutAfter}
		}
		return faults.Fault{}
	})
	require.Equal(t, faults.Throttle, kind(), "call 2: the queue goes first")
	require.Equal(t, faults.None, kind(), "call 3: queued to behave")
	require.Equal(t, faults.CutAfter, kind(), "call 4")
	require.Equal(t, faults.None, kind(), "call 5")
	plan.Decide(nil)
	require.Equal(t, faults.None, kind(), "call 6")
}

func TestPlanIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	const calls = 200
	var plan faults.Plan
	var struck atomic.Int32
	seen := map[int]bool{} // without a lock on purpose: Decide's function is never called concurrently
	plan.Decide(func(call int) faults.Fault {
		seen[call] = true
		return faults.Fault{}
	})
	var wg sync.WaitGroup
	for range calls {
		wg.Go(func() { plan.Next(faults.Fault{Kind: faults.CutBefore}) })
		wg.Go(func() {
			if plan.Take().Kind == faults.CutBefore {
				struck.Add(1)
			}
		})
	}
	wg.Wait()
	for plan.Take().Kind == faults.CutBefore {
		struck.Add(1)
	}
	require.EqualValues(t, calls, struck.Load())
	require.NotEmpty(t, seen)
}
