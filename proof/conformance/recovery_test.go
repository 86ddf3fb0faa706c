package conformance

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// What a dead sender held of one person is given out one by one, so that the
// message that killed it is found. Each follows at once when the one before is
// settled: nobody waits for the clock.
func TestLostBatchRecoversAtOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		const batch = 10
		var msgs []outbox.Message
		for i := range batch {
			msgs = append(msgs, push(fmt.Sprint("k", i), "U-1"))
		}
		e.insert(t, msgs...)
		dead, err := e.store.Claim(t.Context(), outbox.ClaimRequest{
			Token: outbox.NewToken(), By: "dead", Lease: time.Second, Limit: 100, DestinationLimit: 100, KeyLimit: batch, ProbeEvery: time.Minute,
		})
		require.NoError(t, err)
		require.Len(t, dead.Leased, batch)
		e.ahead.Add(int64(time.Minute))
		cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) {
			return outbox.Result{}, nil
		})})
		cfg.Poll = time.Hour
		e.send(t, e.store, cfg)
		until(t, func() bool { return e.pending(t) == 0 }, "all is delivered, though the clock never called")
	})
}
