package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/amsbridge/amsbridge/internal/sqlcore"
)

// patience is how long a driver is waited for when a call's time is over: most notice it themselves.
const patience = 300 * time.Millisecond

// errGivenUp says that a driver did not return.
var errGivenUp = errors.New("the database did not answer and the call was given up, so whether it took effect is not known")

// await runs f, which calls the driver, in a goroutine of its own, and waits until it returns, or a little
// longer than the context lasts: some drivers wait for ever for an answer that does not come. late is
// called when f returns after all.
func await[T any](ctx context.Context, f func() (T, error), late func(T)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	done, over := make(chan answer), make(chan struct{})
	go func() {
		value, err := f()
		select {
		case done <- answer{value, err}:
		case <-over:
			late(value)
		}
	}()
	select {
	case a := <-done:
		return a.value, sqlcore.Told(ctx, a.err)
	case <-ctx.Done():
	}
	spare := time.NewTimer(patience)
	defer spare.Stop()
	select {
	case a := <-done:
		return a.value, sqlcore.Told(ctx, a.err)
	case <-spare.C:
		close(over)
		var none T
		return none, fmt.Errorf("%w: %w", ctx.Err(), errGivenUp)
	}
}
