package outbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// deaf is a queue whose two calls about tasks fail on command.
type deaf struct {
	outbox.Queue
	find, told atomic.Bool
	asked      atomic.Int32
}

func (q *deaf) NewTasks(ctx context.Context, limit int) ([]outbox.OpenTask, error) {
	q.asked.Add(1)
	if q.find.Load() {
		return nil, errAway
	}
	return q.Queue.NewTasks(ctx, limit)
}

func (q *deaf) TasksTold(ctx context.Context, told []outbox.OpenTask) error {
	if q.told.Load() {
		return errAway
	}
	return q.Queue.TasksTold(ctx, told)
}

func (r *env) append(tx *outboxtest.Tx, e outbox.Entry) {
	r.t.Helper()
	appended, err := r.store.AppendTx(r.t.Context(), tx, e)
	require.NoError(r.t, err)
	require.True(r.t, appended)
}

func entryOf(n int, tasks ...string) outbox.Entry {
	e := outbox.Entry{Association: "acme", Subject: "order", N: n}
	for _, id := range tasks {
		e.Tasks = append(e.Tasks, outbox.Task{ID: id, Items: []string{"line-7"}, Text: "whose is " + id + "?", New: true})
	}
	return e
}

func TestATaskIsToldOnceAfterItsCommit(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.start()
		open, rolledBack := r.store.Begin(), r.store.Begin()
		r.append(open, entryOf(1, "a"))
		other := entryOf(1, "b")
		other.Subject = "other"
		r.append(rolledBack, other)
		r.pass(time.Minute)
		require.Empty(t, r.alarmed(), "nothing was committed")
		rolledBack.Rollback()
		require.NoError(t, open.Commit())
		r.pass(10 * time.Second)
		want := outbox.Alarm{Kind: outbox.AlarmTask, Destination: "acme", Key: "a", Subject: "order", Reason: "whose is a?"}
		require.Equal(t, []outbox.Alarm{want}, r.alarmed())
		r.pass(time.Hour)
		require.Len(t, r.alarmed(), 1)
	})
}

// A task is rather told twice than never, and no faster than usual.
func TestATaskIsToldAgainWhereThatWasNotRecorded(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		var lines counter
		r.cfg.Logger = slog.New(slog.NewTextHandler(&lines, nil))
		q := &deaf{Queue: r.store}
		r.queue = q
		q.told.Store(true)
		tx := r.store.Begin()
		e := entryOf(1)
		for i := range 100 { // as many as are told at once
			e.Tasks = append(e.Tasks, outbox.Task{ID: fmt.Sprint(i), Text: "whose?", New: true})
		}
		r.append(tx, e)
		require.NoError(t, tx.Commit())
		r.start()
		r.pass(time.Minute)
		require.InDelta(t, 12, q.asked.Load(), 4, "every five seconds or so")
		require.Len(t, r.alarmed(), 100*int(q.asked.Load()))
		require.Contains(t, lines.text(), "cannot look for tasks of orders")
		q.told.Store(false)
		r.pass(10 * time.Second)
		told := len(r.alarmed())
		r.pass(time.Hour)
		require.Len(t, r.alarmed(), told)
		require.Contains(t, lines.text(), "answers again")
	})
}

func TestManyTasksAreToldWithoutAPause(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		tx := r.store.Begin()
		e := entryOf(1)
		for i := range 950 {
			e.Tasks = append(e.Tasks, outbox.Task{ID: fmt.Sprint(i), Text: "whose?", New: true})
		}
		r.append(tx, e)
		require.NoError(t, tx.Commit())
		r.start()
		r.pass(time.Second)
		told := map[string]bool{}
		for _, a := range r.alarmed() {
			told[a.Key] = true
		}
		require.Len(t, told, 950)
		require.Len(t, r.alarmed(), 950)
	})
}

func TestOutageOfTasksIsLoggedSeldomAndStopsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		var lines counter
		r.cfg.Logger = slog.New(slog.NewTextHandler(&lines, nil))
		q := &deaf{Queue: r.store}
		r.queue = q
		q.find.Store(true)
		r.on("elevate", answer(nil))
		ids := r.insert(msgs(10)...)
		r.start()
		r.pass(time.Hour)
		r.requireAllDeliveredOnce(ids)
		require.Greater(t, lines.n.Load(), int32(2))
		require.Less(t, lines.n.Load(), int32(75))
		require.Equal(t, int(lines.n.Load()), strings.Count(lines.text(), "cannot look for tasks of orders"))
		q.find.Store(false)
		tx := r.store.Begin()
		r.append(tx, entryOf(1, "a"))
		require.NoError(t, tx.Commit())
		r.pass(10 * time.Second)
		require.Len(t, r.alarmed(), 1)
	})
}

func TestATaskIsLoggedWithItsLines(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		var lines counter
		r.cfg.Logger, r.cfg.Alarm = slog.New(slog.NewTextHandler(&lines, nil)), nil
		tx := r.store.Begin()
		r.append(tx, entryOf(1, "a"))
		require.NoError(t, tx.Commit())
		r.start()
		r.pass(time.Second)
		for _, want := range []string{"level=ERROR", "order needs a person", "line-7", "subject=order", "whose is a?"} {
			require.Contains(t, lines.text(), want)
		}
	})
}
