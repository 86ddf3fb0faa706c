package notified

import (
	"context"
	"fmt"
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

// What the docs' third column may say.
const (
	settled     = "settled"
	parked      = "parked, with an alarm"
	waits       = "asked again for 72 h, then parked, with an alarm"
	pauses      = "pauses the destination, with an alarm"
	pausesThird = "sent again; the third message in a row that meets it pauses the destination, with an alarm"
	holds       = "holds the destination"
	again       = "sent again, parked after the last attempt, with an alarm"
	doubtful    = "sent again as a possible duplicate, parked after the last attempt, with an alarm"
)

// ending is a destination that ends each delivery alike.
type ending struct {
	result   outbox.Result
	err      error
	repeated atomic.Bool // a delivery was marked as a possible duplicate
}

func (e *ending) Deliver(_ context.Context, m outbox.Message) (outbox.Result, error) {
	if m.PossibleDuplicate() {
		e.repeated.Store(true)
	}
	return e.result, e.err
}

// TestDocumentedConsequences lets a sender meet what the client makes of each
// row of the docs, for days of a bubble's time.
func TestDocumentedConsequences(t *testing.T) {
	t.Parallel()
	for _, r := range documentedRows(t) {
		t.Run(r.reply, func(t *testing.T) {
			t.Parallel()
			s := outcomeRows[r.reply]
			result, err := s.serve(t, FormatXML).Deliver(t.Context(), s.message("u-1"))
			synctest.Test(t, func(t *testing.T) {
				require.Equal(t, r.happens, consequence(t, s, &ending{result: result, err: err}))
			})
		})
	}
}

// consequence runs a sender whose schedule has three attempts.
func consequence(t *testing.T, s scene, e *ending) string {
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	var alarms atomic.Int32
	sender, err := outbox.NewSender(store, outbox.SenderConfig{
		Destinations: outbox.Fixed{"notified": e}, Retry: outbox.Retry{Attempts: 3}, Poll: time.Minute, ProbeEvery: 24 * time.Hour,
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
	after := func(d time.Duration, users ...string) (outbox.State, outbox.DestinationState) {
		tx := store.Begin()
		for _, u := range users {
			_, err := store.InsertTx(t.Context(), tx, s.message(u))
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
		return alarmed(pausesThird)
	}
	if state, _ = after(71 * time.Hour); state == outbox.StatePending {
		state, _ = after(3 * time.Hour)
		require.Equal(t, outbox.StateParked, state)
		return alarmed(waits)
	}
	require.Equal(t, outbox.StateParked, state)
	if e.repeated.Load() {
		return alarmed(doubtful)
	}
	return alarmed(again)
}

// message is one that asks for two add-ons, as the scene has it.
func (s scene) message(user string) outbox.Message {
	addOns, first := `"keys":[9985,10342]`, ""
	if s.noKeys {
		addOns = `"keys":[]`
	}
	if s.pkg != 0 {
		first = fmt.Sprintf(`"show_package_key":%d,`, s.pkg)
	}
	m := outbox.Message{
		Destination: "notified", Key: "k-" + user, Kind: amsbridge.KindAddOns, Version: 1, Person: user, Subject: "o-1", Items: []string{"1"},
		Facts:   fmt.Appendf(nil, `{"user_id":%q,"show_key":77001,%s"add_ons":[{"line_id":"1",%s}]}`, user, first, addOns),
		Profile: []byte(`{"first_name":"Ada","last_name":"Lovelace","email":"ada@example.org"}`), Attempt: 1,
	}
	if s.noEmail {
		m.Profile = []byte(`{"first_name":"Ada","last_name":"Lovelace"}`)
	}
	if s.removal {
		m.Kind = amsbridge.KindRemoveAddOns
	}
	return m
}
