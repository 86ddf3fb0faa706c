package conformance

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/amsbridge/amsbridge/outbox"
)

func TestPromise08_DeadPlatformDoesNotHoldTheOther(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		for i := range 60 {
			dead, alive := push(fmt.Sprintf("d%d", i), fmt.Sprintf("U-%d", i)), push(fmt.Sprintf("a%d", i), fmt.Sprintf("U-%d", i))
			dead.Destination = "notified"
			e.insert(t, dead, alive)
		}
		stuck := make(chan struct{})
		cfg := quick(outbox.Fixed{
			"notified": deliverFunc(func(ctx context.Context, _ outbox.Message) (outbox.Result, error) {
				select {
				case <-stuck:
					return outbox.Result{}, nil
				case <-ctx.Done():
					return outbox.Result{}, ctx.Err()
				}
			}),
			"elevate": deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) { return outbox.Result{}, nil }),
		})
		e.send(t, e.store, cfg)
		until(t, func() bool { return e.pending(t) == 60 }, "all of the healthy platform's are delivered")
		close(stuck)
		until(t, func() bool { return e.pending(t) == 0 }, "and then the others")
	})
}

// The dead platform has more waiting than the sender's window holds, and was
// there first.
func TestPromise08_DeadPlatformDoesNotFillTheWindow(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		var dead, alive []outbox.Message
		for i := range 60 {
			m := push(fmt.Sprint(i), fmt.Sprint(i))
			dead = append(dead, m)
			m.Destination = "notified"
			alive = append(alive, m)
		}
		e.insert(t, dead...)
		under, stuck := make(chan struct{}, len(dead)), make(chan struct{})
		cfg := quick(outbox.Fixed{
			"elevate": deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) {
				under <- struct{}{}
				<-stuck
				return outbox.Result{}, nil
			}),
			"notified": deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) { return outbox.Result{}, nil }),
		})
		cfg.Concurrency, cfg.Window = 4, 16
		e.send(t, e.store, cfg)
		open := sync.OnceFunc(func() { close(stuck) })
		t.Cleanup(open)
		<-under
		e.insert(t, alive...)
		until(t, func() bool { return e.pending(t) == 60 }, "all of the healthy platform's are delivered")
		open()
		until(t, func() bool { return e.pending(t) == 0 }, "and then the others")
	})
}
