package conformance

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// What a dead sender had in flight of one person follows at once when its session is over, one after another:
// nobody waits for a poll.
func TestLostBatchRecoversAtOnce(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		const batch = 10
		var msgs []outbox.Message
		for i := range batch {
			msgs = append(msgs, push(fmt.Sprint("k", i), "U-1"))
		}
		e.insert(t, msgs...)
		dead, err := e.store.Join(t.Context(), outbox.Joining{By: "dead", Length: time.Second})
		require.NoError(t, err)
		s := &session{queue: e.store, id: dead, held: map[int64]outbox.ID{}, by: map[outbox.ID]int64{}, at: map[outbox.ID]outbox.Waiting{}}
		s.beat(t, outbox.Beat{Take: outbox.Shards})
		require.Len(t, s.beginAll(t), batch)
		cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) {
			return outbox.Result{}, nil
		})})
		cfg.Poll = time.Hour
		e.send(t, e.store, cfg)
		until(t, func() bool { return e.pending(t) == 0 }, "all is delivered, though the clock never called")
	})
}
