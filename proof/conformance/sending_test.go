package conformance

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// deliverFunc is a destination made of a function.
type deliverFunc func(ctx context.Context, m outbox.Message) (outbox.Result, error)

func (f deliverFunc) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	return f(ctx, m)
}

// taking is a destination that takes everything.
var taking deliverFunc = func(context.Context, outbox.Message) (outbox.Result, error) { return outbox.Result{}, nil }

func push(key, person string) outbox.Message {
	return outbox.Message{
		Destination: "elevate", Key: key, Kind: "test", Person: person, Subject: "order", Version: 1,
		Facts: []byte("facts of " + key), Profile: []byte("profile"),
	}
}

// inTx runs f in a transaction of the shop.
func (e *env) inTx(t *testing.T, f func(tx *sql.Tx) error) {
	t.Helper()
	require.NoError(t, retried(func() error { return sqlstore.InTx(t.Context(), e.db, nil, f) }))
}

func (e *env) insert(t *testing.T, msgs ...outbox.Message) []outbox.ID {
	t.Helper()
	ids := make([]outbox.ID, len(msgs))
	e.inTx(t, func(tx *sql.Tx) error {
		got, err := e.store.InsertTx(t.Context(), tx, msgs...)
		for i, g := range got {
			ids[i] = g.ID
		}
		return err
	})
	return ids
}

func (e *env) one(t *testing.T, id outbox.ID) outbox.Record {
	t.Helper()
	found, err := e.store.Find(t.Context(), outbox.Query{IDs: []outbox.ID{id}, InFlight: true})
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

func (e *env) log(t *testing.T, id outbox.ID) []outbox.Attempt {
	t.Helper()
	log, err := e.store.Attempts(t.Context(), outbox.AttemptQuery{IDs: []outbox.ID{id}})
	require.NoError(t, err)
	return log
}

// quick is a sender's configuration for tests on the wall's clock.
func quick(destinations outbox.Fixed) outbox.SenderConfig {
	return outbox.SenderConfig{
		Destinations: destinations, Poll: 10 * time.Millisecond,
		Retry:  outbox.Retry{First: 10 * time.Millisecond, Longest: 50 * time.Millisecond},
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Alarm:  func(context.Context, outbox.Alarm) {},
	}
}

// send runs a sender until the test ends or stop is called.
func (e *env) send(t *testing.T, queue outbox.Queue, cfg outbox.SenderConfig) (sender *outbox.Sender, stop func()) {
	t.Helper()
	sender, err := outbox.NewSender(queue, cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sender.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return sender, stop
}

// until waits for a condition that a running sender brings about.
func until(t *testing.T, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, 30*time.Second, 5*time.Millisecond, what)
}

func (e *env) pending(t *testing.T) int {
	t.Helper()
	counts, err := e.store.Counts(t.Context())
	require.NoError(t, err)
	n := 0
	for _, c := range counts {
		n += c.Pending
	}
	return n
}

// untilTried waits until each message has an entry in its log.
func (e *env) untilTried(t *testing.T, ids []outbox.ID) {
	t.Helper()
	until(t, func() bool {
		for _, id := range ids {
			if len(e.log(t, id)) == 0 {
				return false
			}
		}
		return true
	}, "each was tried")
}
