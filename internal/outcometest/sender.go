package outcometest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// What a row may say that happens.
const (
	settled     = "settled"
	parked      = "parked, with an alarm"
	notReady    = "asked again for 72 h, then parked, with an alarm"
	pauses      = "pauses the destination, with an alarm"
	pausesThird = "sent again; the third message in a row that meets it pauses the destination, with an alarm"
	// duplicateThird is pausesThird of an attempt that may have been done.
	duplicateThird = "sent again as a possible duplicate; the third message in a row that meets it pauses the destination, with an alarm"
	holds          = "holds the destination"
	again          = "sent again, parked after the last attempt, with an alarm"
	asDuplicate    = "sent again as a possible duplicate, parked after the last attempt, with an alarm"
	byHand         = "parked as a task, with an alarm"
	restByHand     = "settled; the rest is parked as a task, with an alarm"
)

// fixedOutcome is a destination that answers each delivery the same.
type fixedOutcome struct {
	result outbox.Result
	err    error
	// possibleDuplicate is set once a delivery was marked as one.
	possibleDuplicate atomic.Bool
}

// Deliver implements [outbox.Destination].
func (e *fixedOutcome) Deliver(_ context.Context, m outbox.Message) (outbox.Result, error) {
	if m.PossibleDuplicate() {
		e.possibleDuplicate.Store(true)
	}
	return e.result, e.err
}

// RequireConsequence gives a sender a destination where each delivery comes to what a platform returned,
// and asks that the sender does what the row says. What a person must do by hand is no outcome of a
// sender's: what [amsbridge.NewDestination] makes of it, its own tests show.
func (r Row) RequireConsequence(t *testing.T, result outbox.Result, err error) {
	t.Helper()
	if task, ok := errors.AsType[*amsbridge.ByHandError](err); ok {
		want := byHand
		if task.Partly {
			want = restByHand
		}
		require.Equal(t, want, r.Happens)
		return
	}
	synctest.Test(t, func(t *testing.T) {
		require.Equal(t, r.Happens, consequence(t, &fixedOutcome{result: result, err: err}))
	})
}

// message is a message for the user.
func message(user string) outbox.Message {
	return outbox.Message{
		Destination: "platform", Key: "k-" + user, Kind: amsbridge.KindGive, Version: 1, Person: user,
		Subject: "o-1", Items: []string{"l-1"}, Facts: []byte("{}"),
	}
}

// consequence runs a sender whose schedule has three attempts, and returns what it does with the messages,
// in the words of a row. It must run within a synctest bubble, whose clock it moves by days.
func consequence(t *testing.T, e *fixedOutcome) string {
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	var alarms atomic.Int32
	sender, err := outbox.NewSender(store, outbox.SenderConfig{
		Destinations: outbox.Fixed{"platform": e},
		Retry:        outbox.Retry{Attempts: 3}, Poll: time.Minute, Session: 10 * time.Minute, ProbeEvery: 24 * time.Hour,
		Alarm:  func(context.Context, outbox.Alarm) { alarms.Add(1) },
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- sender.Run(ctx) }()
	defer func() {
		stop()
		require.NoError(t, <-ended)
	}()
	// after inserts messages for users, waits, and returns how the first message and the destination stand.
	after := func(d time.Duration, users ...string) (outbox.State, outbox.DestinationState) {
		tx := store.Begin()
		for _, u := range users {
			_, err := store.InsertTx(t.Context(), tx, message(u))
			require.NoError(t, err)
		}
		require.NoError(t, tx.Commit())
		sender.Wake()
		time.Sleep(d) // the bubble's time
		synctest.Wait()
		found, err := store.Find(t.Context(), outbox.Query{Person: "u-1"})
		require.NoError(t, err)
		require.Len(t, found, 1)
		destinations, err := store.Destinations(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(destinations), 1)
		return found[0].State, append(destinations, outbox.DestinationState{})[0]
	}
	alarmed := func(s string) string {
		require.Positive(t, alarms.Load(), "no alarm")
		return s
	}

	state, destination := after(5*time.Second, "u-1")
	switch {
	case state == outbox.StateDelivered || state == outbox.StateAlreadyDone:
		require.Zero(t, alarms.Load())
		return settled
	case state == outbox.StateParked:
		return alarmed(parked)
	case destination.Pausing != 0:
		return alarmed(pauses)
	case !destination.HeldUntil.IsZero():
		require.Zero(t, alarms.Load())
		return holds
	}
	require.Equal(t, outbox.StatePending, state)
	require.Zero(t, alarms.Load())
	if _, destination = after(time.Second, "u-2", "u-3"); destination.Pausing != 0 {
		after(3 * 24 * time.Hour) // probes send it again
		if e.possibleDuplicate.Load() {
			return alarmed(duplicateThird)
		}
		return alarmed(pausesThird)
	}
	if state, _ = after(71 * time.Hour); state == outbox.StatePending {
		state, _ = after(3 * time.Hour)
		require.Equal(t, outbox.StateParked, state)
		return alarmed(notReady)
	}
	require.Equal(t, outbox.StateParked, state)
	if e.possibleDuplicate.Load() {
		return alarmed(asDuplicate)
	}
	return alarmed(again)
}
