package outbox_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// A sender of another installation stops all senders within a beat. Each says once what to do, and goes on once
// the store is adopted.
func TestAnotherInstallationsSenderPausesEverythingAndSaysWhatToDo(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		var logs bytes.Buffer
		r.cfg.Logger = slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelError}))
		r.on("elevate", answer(nil))
		r.insert(msgs(1)...)
		r.start()
		r.pass(2 * time.Second)
		require.Equal(t, 1, r.sends())
		require.Empty(t, r.alarmed())

		copied := r.member("two", func(c *outbox.SenderConfig) { c.Installation = "staging" }, answer(nil))
		r.pass(3 * time.Second)
		all := msgs(21)[1:]
		r.insert(all...)
		r.pass(time.Minute)
		require.Equal(t, 1, r.sends())
		require.Empty(t, copied.sent)
		require.Equal(t, []outbox.AlarmKind{outbox.AlarmInstallation, outbox.AlarmInstallation}, r.alarmKinds(), "each sender's, once")
		for _, a := range r.alarmed() {
			require.Empty(t, a.Destination)
			for _, word := range []string{"Operator.Adopt", "Operator.ResumeAll", "staging", "two"} {
				require.Contains(t, a.Reason, word)
			}
		}
		require.Equal(t, 2, strings.Count(logs.String(), "everything is paused"), logs.String())

		op, err := outbox.NewOperator(r.store, outbox.OperatorConfig{})
		require.NoError(t, err)
		pat := outbox.Actor{Name: "pat"}
		require.ErrorIs(t, op.ResumeAll(t.Context(), pat, "go on"), outbox.ErrNotAdopted)
		r.pass(time.Minute)
		require.Equal(t, 1, r.sends())
		requireField(t, op.Adopt(t.Context(), pat, " "), "reason")
		require.NoError(t, op.Adopt(t.Context(), pat, "it was moved"))
		r.pass(10 * time.Second)
		sent := append(r.messages()[1:], copied.sent...)
		require.Len(t, sent, len(all))
		for _, m := range sent {
			require.True(t, m.PossibleDuplicate(), m.Key)
			require.False(t, m.Alone, m.Key)
		}
		require.Len(t, r.alarmed(), 2)

		again := r.member("three", func(c *outbox.SenderConfig) { c.Installation = "elsewhere" }, answer(nil))
		r.pass(3 * time.Second)
		require.Len(t, r.alarmed(), 5, "of another time")
		again.stop()
		require.NoError(t, op.ResumeAll(t.Context(), pat, "it was the wrong store"))
		last := msg("last", "U-last")
		r.insert(last)
		r.pass(3 * time.Second)
		pending, _ := r.count()
		require.Zero(t, pending)
		require.Len(t, r.alarmed(), 5)
	})
}

// A sender that goes on while the store is replaced by an earlier one, which may be another's, joins anew.
func TestASenderWhoseStoreWasSetBackJoinsAnew(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.on("elevate", answer(nil))
		var own, last, back atomic.Int64
		r.queue = &faulty{Queue: r.store, beat: func(ctx context.Context, b outbox.Beat) (outbox.Pulse, error) {
			p, err := r.store.Beat(ctx, b)
			id := int64(b.Session)
			own.CompareAndSwap(0, id)
			last.Store(id)
			for i := range p.Sessions {
				if id == own.Load() && p.Sessions[i].ID == b.Session {
					p.Sessions[i].Beats -= back.Load()
				}
			}
			return p, err
		}}
		r.start()
		r.pass(10 * time.Second)
		require.Equal(t, own.Load(), last.Load())
		back.Store(5)
		r.pass(3 * time.Second)
		require.Greater(t, last.Load(), own.Load())
		r.insert(msgs(3)...)
		r.pass(time.Minute)
		require.Equal(t, 3, r.sends())
	})
}
