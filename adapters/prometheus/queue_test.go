package prometheus_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/prometheus"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// The queue's metrics are reported by label, from before the sender runs until everything is delivered
// and they are zero.
func TestQueueIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
		m, registry := newMetrics(t, prometheus.Config{Store: store})
		insert(t, store, message("notified", "4"))
		session, err := store.Join(t.Context(), outbox.Joining{By: "test", Length: time.Minute})
		require.NoError(t, err)
		_, err = store.Beat(t.Context(), outbox.Beat{Session: session, Take: outbox.Shards})
		require.NoError(t, err)
		parked := begin(t, store, session, 1)
		_, err = store.Settle(t.Context(), outbox.Settling{
			Session: session, Batch: []outbox.Settlement{{Message: parked, State: outbox.StateParked, Reason: "a defect"}}, Over: []int64{1},
		})
		require.NoError(t, err)
		insert(t, store, message("elevate/acme", "1"))
		time.Sleep(90 * time.Second)
		insert(t, store, message("elevate/b", "2"), message("elevate", "3"))
		operator, err := outbox.NewOperator(store, outbox.OperatorConfig{})
		require.NoError(t, err)
		require.NoError(t, operator.Pause(t.Context(), outbox.Actor{Name: "Ada", Role: "operator"}, "elevate/b", "for a while"))
		begin(t, store, session, 2)
		require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP amsbridge_outbox_messages Messages in the queue.
# TYPE amsbridge_outbox_messages gauge
amsbridge_outbox_messages{destination="elevate",state="parked"} 0
amsbridge_outbox_messages{destination="elevate",state="pending"} 3
amsbridge_outbox_messages{destination="notified",state="parked"} 1
amsbridge_outbox_messages{destination="notified",state="pending"} 0
# HELP amsbridge_outbox_open_tasks Tasks of orders that nobody marked done; a thousand stands for more.
# TYPE amsbridge_outbox_open_tasks gauge
amsbridge_outbox_open_tasks 0
# HELP amsbridge_outbox_oldest_pending_seconds How long the oldest pending message has waited, by the clocks of database and scraped program.
# TYPE amsbridge_outbox_oldest_pending_seconds gauge
amsbridge_outbox_oldest_pending_seconds{destination="elevate"} 90
amsbridge_outbox_oldest_pending_seconds{destination="notified"} 0
# HELP amsbridge_outbox_readable Whether the store answered.
# TYPE amsbridge_outbox_readable gauge
amsbridge_outbox_readable 1
# HELP amsbridge_outbox_shut_destinations Destinations that nothing is sent to but probes.
# TYPE amsbridge_outbox_shut_destinations gauge
amsbridge_outbox_shut_destinations{by="breaker",destination="elevate"} 0
amsbridge_outbox_shut_destinations{by="operator",destination="elevate"} 1
amsbridge_outbox_shut_destinations{by="platform asked",destination="elevate"} 0
amsbridge_outbox_shut_destinations{by="refusal",destination="elevate"} 0
amsbridge_outbox_shut_destinations{by="breaker",destination="notified"} 0
amsbridge_outbox_shut_destinations{by="operator",destination="notified"} 0
amsbridge_outbox_shut_destinations{by="platform asked",destination="notified"} 0
amsbridge_outbox_shut_destinations{by="refusal",destination="notified"} 0
# HELP amsbridge_outbox_in_flight Pending messages that a sender has in flight.
# TYPE amsbridge_outbox_in_flight gauge
amsbridge_outbox_in_flight{destination="elevate"} 1
amsbridge_outbox_in_flight{destination="notified"} 0
`)))

		require.NoError(t, store.Leave(t.Context(), session))
		require.NoError(t, operator.Resume(t.Context(), outbox.Actor{Name: "Ada", Role: "operator"}, "elevate/b", "on again"))
		send(t, store, outbox.SenderConfig{Destinations: m.Resolver(anywhere{deliverFunc(
			func(context.Context, outbox.Message) (outbox.Result, error) { return outbox.Result{}, nil },
		)})}, 5*time.Minute)
		require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP amsbridge_outbox_messages Messages in the queue.
# TYPE amsbridge_outbox_messages gauge
amsbridge_outbox_messages{destination="elevate",state="parked"} 0
amsbridge_outbox_messages{destination="elevate",state="pending"} 0
amsbridge_outbox_messages{destination="notified",state="parked"} 1
amsbridge_outbox_messages{destination="notified",state="pending"} 0
`), "amsbridge_outbox_messages"))
	})
}

// begin records the first message that waits as in flight.
func begin(t *testing.T, store *outboxtest.Memory, session outbox.SessionID, n int64) outbox.Message {
	t.Helper()
	r := outbox.Reading{Session: session, Limit: 1}
	for shard := range outbox.Shards {
		r.Shards = append(r.Shards, shard)
	}
	read, err := store.Read(t.Context(), r)
	require.NoError(t, err)
	require.Len(t, read.Messages, 1)
	m := read.Messages[0]
	recorded, err := store.Record(t.Context(), outbox.Flight{
		Session: session, N: n, Messages: []outbox.Queued{{ID: m.ID, Key: m.Key, Destination: m.Destination}},
	})
	require.NoError(t, err)
	require.Len(t, recorded.Begun, 1)
	return m.Message
}

// Open tasks of orders are counted until they are done, and their alarms have no destination.
func TestOpenTasksAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
		m, registry := newMetrics(t, prometheus.Config{Store: store})
		tx := store.Begin()
		_, err := store.AppendTx(t.Context(), tx, outbox.Entry{
			Association: "acme", Subject: "1001", N: 1, Tasks: []outbox.Task{{ID: "a", Text: "a", New: true}, {ID: "b", Text: "b", New: true}},
		})
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		operator, err := outbox.NewOperator(store, outbox.OperatorConfig{})
		require.NoError(t, err)
		require.NoError(t, operator.TaskDone(t.Context(), outbox.Actor{Name: "Ada"}, "acme", "1001", "a", "seen to"))
		send(t, store, outbox.SenderConfig{
			Destinations: anywhere{answer(outbox.Result{}, nil)}, Alarm: m.Alarm(func(context.Context, outbox.Alarm) {}),
		}, time.Minute)
		require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP amsbridge_outbox_open_tasks Tasks of orders that nobody marked done; a thousand stands for more.
# TYPE amsbridge_outbox_open_tasks gauge
amsbridge_outbox_open_tasks 1
# HELP amsbridge_alarms_total Alarms: things that a person must look at.
# TYPE amsbridge_alarms_total counter
amsbridge_alarms_total{destination="",kind="order needs a person"} 1
`), "amsbridge_outbox_open_tasks", "amsbridge_alarms_total"))
	})
}

// away is a store that does not answer until the context ends.
type away struct{ outbox.Inspector }

func (away) Counts(ctx context.Context) ([]outbox.Count, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestStoreThatIsAwayFailsNoScrape(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		m, registry := newMetrics(t, prometheus.Config{Store: away{}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		m.Alarm(func(context.Context, outbox.Alarm) {})(t.Context(), outbox.Alarm{Kind: outbox.AlarmParked, Destination: "elevate/acme"})
		begun := time.Now()
		require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP amsbridge_alarms_total Alarms: things that a person must look at.
# TYPE amsbridge_alarms_total counter
amsbridge_alarms_total{destination="elevate",kind="message parked"} 1
# HELP amsbridge_outbox_readable Whether the store answered.
# TYPE amsbridge_outbox_readable gauge
amsbridge_outbox_readable 0
`)))
		require.Equal(t, 5*time.Second, time.Since(begun))
		require.Contains(t, log.String(), "the store cannot be read for its metrics")
	})
}

// Without a store its metrics are left out.
func TestWithoutStore(t *testing.T) {
	t.Parallel()
	_, registry := newMetrics(t, prometheus.Config{})
	families, err := registry.Gather()
	require.NoError(t, err)
	require.Empty(t, families)
}

// What an operator paused as a whole has a label of its own, whatever labels the shop makes of names.
func TestThatEverythingIsPausedIsTold(t *testing.T) {
	t.Parallel()
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	_, registry := newMetrics(t, prometheus.Config{Store: store, Label: func(name string) string { return name[:1] }})
	operator, err := outbox.NewOperator(store, outbox.OperatorConfig{})
	require.NoError(t, err)
	told := func(operator, another int) {
		t.Helper()
		require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(fmt.Sprintf(`
# HELP amsbridge_outbox_shut_destinations Destinations that nothing is sent to but probes.
# TYPE amsbridge_outbox_shut_destinations gauge
amsbridge_outbox_shut_destinations{by="another installation",destination="everything"} %d
amsbridge_outbox_shut_destinations{by="breaker",destination="everything"} 0
amsbridge_outbox_shut_destinations{by="operator",destination="everything"} %d
amsbridge_outbox_shut_destinations{by="platform asked",destination="everything"} 0
`, another, operator)), "amsbridge_outbox_shut_destinations"))
	}
	for _, installation := range []string{"production", "staging"} {
		_, err := store.Join(t.Context(), outbox.Joining{Length: time.Minute, Installation: installation})
		require.NoError(t, err)
	}
	told(0, 1)
	require.NoError(t, operator.PauseAll(t.Context(), outbox.Actor{Name: "Ada"}, "a copy"))
	told(1, 0)
}
