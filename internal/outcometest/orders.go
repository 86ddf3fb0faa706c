package outcometest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// Sold is what became of orders.
type Sold struct {
	// Paused is why the destination was paused; empty where it was not.
	Paused string
	// Parked, Pending and Delivered count the messages.
	Parked, Pending, Delivered int
}

// Sell gives a sender a message for each user, one at a time, until every one was tried or the destination is
// paused. give is called for each.
func Sell(t *testing.T, users []string, give func(ctx context.Context, user string) (outbox.Result, error)) (s Sold) {
	t.Helper()
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	sender, err := outbox.NewSender(store, outbox.SenderConfig{
		Destinations: outbox.Fixed{"platform": deliverFunc(func(ctx context.Context, m outbox.Message) (outbox.Result, error) {
			return give(ctx, m.Person)
		})},
		Concurrency: 1, Retry: outbox.Retry{First: time.Hour, Longest: time.Hour},
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- sender.Run(ctx) }()
	for _, user := range users {
		tx := store.Begin()
		_, err := store.InsertTx(t.Context(), tx, message(user))
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		sender.Wake()
		require.Eventually(t, func() bool {
			destinations, err := store.Destinations(t.Context())
			if err == nil && len(destinations) > 0 && destinations[0].Pausing != outbox.NotPaused {
				s.Paused = destinations[0].Reason
				return true
			}
			found, err := store.Find(t.Context(), outbox.Query{Person: user})
			return err == nil && len(found) == 1 && (found[0].State != outbox.StatePending || found[0].Attempt > 0)
		}, time.Minute, time.Millisecond, user)
	}
	stop()
	require.NoError(t, <-ended)
	counts, err := store.Counts(t.Context())
	require.NoError(t, err)
	for _, c := range counts {
		s.Pending += c.Pending
		s.Parked += c.Parked
	}
	s.Delivered = len(users) - s.Pending - s.Parked
	return s
}

type deliverFunc func(ctx context.Context, m outbox.Message) (outbox.Result, error)

func (f deliverFunc) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	return f(ctx, m)
}

// Users returns the names of n users.
func Users(n int) (users []string) {
	for i := range n {
		users = append(users, fmt.Sprint("u-", i))
	}
	return users
}
