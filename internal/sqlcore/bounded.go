package sqlcore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// CallLimit is how long a statement or a transaction of our own may take whose context has no deadline.
const CallLimit = 30 * time.Second

// IdleLimit is how long a transaction of our own may wait for its next statement, where the server can end it:
// a process that vanished, or was frozen, must not hold locks. It is shorter than a session is by default.
const IdleLimit = 3 * time.Second

// Within returns the context of a statement or a transaction of our own: the caller's, or one that ends
// after [CallLimit] where that has no deadline.
func Within(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, CallLimit)
}

// Told returns the error of a call so that it says that its time was over, where it was. Some drivers
// return only what the server said when they asked it to stop.
func Told(ctx context.Context, err error) error {
	if over := ctx.Err(); err != nil && over != nil && !errors.Is(err, over) {
		return fmt.Errorf("%w: %w", over, err)
	}
	return err
}

// Unusable tells from a call's error that its connection must not be used again: the server ends it, or
// takes no writes any more, as the old one does after a fail-over. A pool that kept such a connection
// would go on handing it out.
func Unusable(err error) bool {
	if err == nil {
		return false
	}
	switch state := sqlState(err); {
	case state == "25006", // read-only
		state == "25P03", state == "25P04", // the transaction was idle, or open, for too long
		strings.HasPrefix(state, "08"), strings.HasPrefix(state, "57P"):
		return true
	}
	return slices.Contains(mysqlUnusable, mysqlNumber(err))
}

// mysqlUnusable: the server shuts down (1053); it is read-only (1290, 1836) or the session is (1792); the
// connection was killed (1927) or idle for too long (4031).
var mysqlUnusable = []int{1053, 1290, 1792, 1836, 1927, 4031}
