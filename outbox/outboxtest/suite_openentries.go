package outboxtest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func openEntryClauses[Tx any]() []clause[Tx] {
	clauses := []clause[Tx]{
		{"an open entry is not seen", (*env[Tx]).openEntryHidden},
		{"an open entry keeps nobody waiting", (*env[Tx]).openEntryHoldsNobody},
		{"an entry that was met and read keeps nobody waiting", (*env[Tx]).metEntryHoldsNobody},
		{"what waited for an entry that is rolled back, appends it", (*env[Tx]).rolledBackMeanwhile},
	}
	for _, isolation := range []string{"read committed", "repeatable read", "serializable"} {
		at := func(name string, run func(s *env[Tx], isolation string)) clause[Tx] {
			return clause[Tx]{name + ", at " + isolation, func(s *env[Tx]) { run(s, isolation) }}
		}
		clauses = append(clauses,
			at("reports at one moment follow each other", (*env[Tx]).reportsAt),
			at("first reports of many orders do not refuse each other", (*env[Tx]).strangersAt),
			at("an entry that was met is read, though the snapshot is older", (*env[Tx]).metAt),
		)
	}
	return clauses
}

func (s *env[Tx]) needsConcurrency() {
	if !s.Concurrent {
		s.t.Skip("NOT TESTED: the harness says that the store cannot be used while a transaction is open")
	}
}

// soon is a context that ends a call which waits for an open transaction.
func (s *env[Tx]) soon() context.Context {
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	s.t.Cleanup(cancel)
	return ctx
}

func (s *env[Tx]) openEntryHidden() {
	s.needsConcurrency()
	s.inTx(func(tx Tx) {
		s.appendTx(tx, true, entry(1, "first", outbox.Task{ID: "t", Text: "whose?", New: true}), push("a", "U-1"))
		require.Zero(s.t, s.last("order-1").N)
		require.Empty(s.t, s.all())
		require.Empty(s.t, s.tasks())
		require.Empty(s.t, s.newTasks())
		s.nothing()
	})
	require.Equal(s.t, 1, s.last("order-1").N)
	require.Len(s.t, s.tasks(), 1)
	require.Len(s.t, s.newTasks(), 1)
	s.sends("a")
}

// openEntryHoldsNobody is of an entry whose messages are of persons for whom
// others are in flight.
func (s *env[Tx]) openEntryHoldsNobody() {
	s.needsConcurrency()
	s.append(outbox.Entry{Subject: "order-0", N: 1, Tasks: []outbox.Task{{ID: "t", Text: "whose?", New: true}}},
		push("a", "U-1"), push("b", "U-1"), push("c", "U-2"))
	f := s.begin("a", "c")
	s.inTx(func(tx Tx) {
		s.appendTx(tx, true, entry(1, "first"), push("d", "U-1"), push("e", "U-2"), push("f", "U-3"))
		ctx := s.soon()
		batch := []outbox.Settlement{
			f.end(0, outbox.StateDelivered, ends(outbox.StateWithdrawn, s.idOf("b")), then(push("g", "U-1"))),
			f.end(1, outbox.StatePending, delay(0)),
		}
		settled, err := s.Store.Settle(ctx, outbox.Settling{Session: s.own(), Batch: batch, Over: []int64{1}})
		require.NoError(s.t, err)
		require.Len(s.t, settled.Acked, 2)
		require.Empty(s.t, settled.Locked)
		pulse, err := s.Store.Beat(ctx, outbox.Beat{Session: s.own()})
		require.NoError(s.t, err)
		r := outbox.Reading{Session: s.own(), Shards: pulse.Owned, Limit: 100}
		fresh, err := s.Store.Read(ctx, r)
		require.NoError(s.t, err)
		require.Equal(s.t, []string{"g"}, waitingKeys(fresh.Messages))
		r.Due = true
		retried, err := s.Store.Read(ctx, r)
		require.NoError(s.t, err)
		require.Equal(s.t, []string{"c"}, waitingKeys(retried.Messages))
		recorded, err := s.Store.Record(ctx, outbox.Flight{
			Session: s.own(), N: 2, Messages: []outbox.Queued{queued(&retried.Messages[0]), queued(&fresh.Messages[0])},
		})
		require.NoError(s.t, err)
		require.Len(s.t, recorded.Begun, 2)
		s.besides(ctx, "order-0", "t")
		other, err := s.Begin()
		require.NoError(s.t, err)
		defer s.Rollback(other)
		e := outbox.Entry{Subject: "order-2", N: 1}
		appended, err := s.Store.AppendTx(ctx, other, e, push("h", "U-1"), push("i", "U-3"))
		require.NoError(s.t, err)
		require.True(s.t, appended)
		require.NoError(s.t, s.Commit(other))
	})
	require.Len(s.t, s.all(), 9)
	require.Equal(s.t, 1, s.last("order-1").N)
}

// besides is what a sender and an operator do about tasks and old entries.
func (s *env[Tx]) besides(ctx context.Context, subject, task string) {
	s.t.Helper()
	tasks, err := s.Store.NewTasks(ctx, 10)
	require.NoError(s.t, err)
	require.Len(s.t, tasks, 1)
	require.NoError(s.t, s.Store.TasksTold(ctx, tasks))
	_, err = s.Store.Prune(ctx, outbox.Pruning{Replies: day, Forget: day})
	require.NoError(s.t, err)
	require.NoError(s.t, s.Store.Act(ctx, outbox.Action{
		Verb: outbox.VerbTaskDone, Subject: subject, Task: task,
		Actor: outbox.Actor{Name: "Kim"}, Reason: "was asked to",
	}))
}

// idOf returns the ID of the message with a key.
func (s *env[Tx]) idOf(key string) outbox.ID {
	s.t.Helper()
	found := s.find(outbox.Query{Keys: []string{key}})
	require.Len(s.t, found, 1)
	return found[0].ID
}

func (s *env[Tx]) metEntryHoldsNobody() {
	s.needsConcurrency()
	first := entry(1, "first", outbox.Task{ID: "t", Text: "whose?", New: true})
	s.append(first)
	s.inTx(func(tx Tx) {
		s.appendTx(tx, false, entry(1, "again"))
		s.requireEntry(first, s.lastTx(tx, "", "order-1", 1))
		ctx := s.soon()
		s.besides(ctx, "order-1", "t")
		other, err := s.Begin()
		require.NoError(s.t, err)
		defer s.Rollback(other)
		appended, err := s.Store.AppendTx(ctx, other, entry(2, "second"))
		require.NoError(s.t, err)
		require.True(s.t, appended)
		require.NoError(s.t, s.Commit(other))
	})
	require.Equal(s.t, 2, s.last("order-1").N)
}

func (s *env[Tx]) rolledBackMeanwhile() {
	s.needsConcurrency()
	for round := range 5 {
		e := outbox.Entry{Subject: fmt.Sprint("order-", round), N: 1}
		first, err := s.Begin()
		require.NoError(s.t, err)
		defer s.Rollback(first)
		s.appendTx(first, true, e)
		var waits sync.WaitGroup
		var appended bool
		var failed error
		waits.Go(func() { appended, failed = s.appendSecond(e) })
		s.Rollback(first)
		waits.Wait()
		require.NoError(s.t, failed)
		require.True(s.t, appended)
		require.Equal(s.t, "second", string(s.last(e.Subject).Body))
	}
}

// appendSecond appends an entry in a transaction of its own, in whatever
// goroutine.
func (s *env[Tx]) appendSecond(e outbox.Entry) (appended bool, err error) {
	tx, err := s.Begin()
	if err != nil {
		return false, err
	}
	defer s.Rollback(tx)
	e.Body = []byte("second")
	if appended, err = s.Store.AppendTx(s.t.Context(), tx, e); err != nil {
		return false, err
	}
	return appended, s.Commit(tx)
}

// report appends the next entry of order-1, as a producer does: blindly the
// first, then from what it met.
func (s *env[Tx]) report(tx Tx, body string, msg outbox.Message) error {
	for n := 1; ; {
		appended, err := s.Store.AppendTx(s.t.Context(), tx, entry(n, body), msg)
		if err != nil || appended {
			return err
		}
		last, err := s.Store.LastEntryTx(s.t.Context(), tx, "", "order-1", n)
		if err != nil {
			return err
		}
		if last.N < n {
			return fmt.Errorf("entry %d was met, and the last is %d", n, last.N)
		}
		n = last.N + 1
	}
}

func (s *env[Tx]) reportsAt(isolation string) {
	s.needsIsolation()
	const at = 6
	begun := s.barrier(at)
	require.NoError(s.t, atOnce(at, func(i int) error {
		return s.retried(isolation, begun, func(tx Tx) error {
			return s.report(tx, fmt.Sprint(i), push(fmt.Sprint(i), fmt.Sprint("U-", i%2)))
		})
	}))
	require.Equal(s.t, at, s.last("order-1").N, "there is no gap")
	require.Len(s.t, s.all(), at)
	s.inTx(func(tx Tx) {
		for n := range at {
			s.appendTx(tx, false, entry(n+1, "again"))
		}
	})
}

// strangersAt lets no transaction be refused: where nothing is read first, there
// is no reason for it.
func (s *env[Tx]) strangersAt(isolation string) {
	s.needsIsolation()
	if isolation == "serializable" && s.LocksReads {
		s.t.Skip("NOT TESTED: the harness says that the database locks what is read")
	}
	const at, rounds = 6, 5
	for round := range rounds {
		begun := s.barrier(at)
		require.NoError(s.t, atOnce(at, func(i int) error {
			tx, err := s.BeginAt(isolation)
			begun()
			if err != nil {
				return err
			}
			defer s.Rollback(tx)
			e := outbox.Entry{Subject: fmt.Sprintf("order-%d-%d", round, i), N: 1}
			appended, err := s.Store.AppendTx(s.t.Context(), tx, e, push(e.Subject, "U-1"))
			if err != nil {
				return err
			}
			if !appended {
				return fmt.Errorf("%s was met", e.Subject)
			}
			return s.Commit(tx)
		}))
	}
	require.Len(s.t, s.all(), at*rounds)
}

func (s *env[Tx]) metAt(isolation string) {
	s.needsIsolation()
	appendFirst := func() { s.append(entry(1, "first")) }
	require.NoError(s.t, s.retried(isolation, appendFirst, func(tx Tx) error {
		appended, err := s.Store.AppendTx(s.t.Context(), tx, entry(1, "other"), push("other", "U-1"))
		if err != nil {
			return err
		}
		require.False(s.t, appended)
		last, err := s.Store.LastEntryTx(s.t.Context(), tx, "", "order-1", 1)
		if err != nil {
			return err
		}
		s.requireEntry(entry(1, "first"), last)
		appended, err = s.Store.AppendTx(s.t.Context(), tx, entry(2, "second"), push("second", "U-1"))
		if err == nil {
			require.True(s.t, appended)
		}
		return err
	}))
	require.Equal(s.t, "second", string(s.last("order-1").Body))
	s.sends("second")
	require.Len(s.t, s.all(), 1)
}
