package bench

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func TestRow(t *testing.T) {
	t.Parallel()
	r := Row{Name: "a ÷ b", Values: []float64{0.5, 0.7, 0.25, 0.6}, Bar: atLeast(0.55), Base: []float64{1000, 3000, 2000, 4000}, BaseUnit: "orders/s"}
	require.Equal(t, "a ÷ b: 0.55 (0.25–0.7), 4 rounds; bar ≥ 0.55: met; base 2,500 orders/s (1,000–4,000)", r.String())
	require.Contains(t, Markdown([]Row{r}), "| a ÷ b | 0.55 (0.25–0.7) | ≥ 0.55 | met | 2,500 orders/s (1,000–4,000) |\n")
	for _, c := range []struct {
		value float64
		bar   Bar
		want  string
	}{{1, Bar{}, "–"}, {0.54, atLeast(0.55), "missed"}, {1.5, atMost(1.5), "met"}, {1.51, atMost(1.5), "missed"}} {
		require.Equal(t, c.want, Row{Values: []float64{c.value}, Bar: c.bar}.Verdict())
	}
	require.Equal(t, []string{"0", "0.123", "12.3", "123", "1,234", "1,234,568"}, []string{
		short(0), short(0.123), short(12.34), short(123.4), short(1234.4), short(1234567.8),
	})
}

// Two parts go first equally often, and of three none always follows the same.
func TestTurn(t *testing.T) {
	t.Parallel()
	first := map[int]int{}
	for round := range 4 {
		first[turn(round, 2)[0]]++
	}
	require.Equal(t, map[int]int{0: 2, 1: 2}, first)
	follows := map[[2]int]bool{}
	for round := range 6 {
		order := turn(round, 3)
		require.ElementsMatch(t, []int{0, 1, 2}, order)
		follows[[2]int{order[0], order[1]}] = true
	}
	require.Len(t, follows, 6)
}

// The first round does not count, the most that a measurement wants is a bound,
// and an error ends it all.
func TestPlay(t *testing.T) {
	t.Parallel()
	l := &Lab{Rounds: 9}
	calls := 0.0
	a := one("a", func(context.Context) (float64, error) { calls++; return calls, nil })
	got, err := l.play(t.Context(), 3, a, one("b", func(context.Context) (float64, error) { return 2, nil }))
	require.NoError(t, err)
	require.Equal(t, rounds{"a": {2, 3, 4}, "b": {2, 2, 2}}, got)
	require.Equal(t, []float64{1, 1.5, 2}, got.over("a", "b"))
	l.Rounds = 1
	got, err = l.play(t.Context(), 3, a)
	require.NoError(t, err)
	require.Len(t, got["a"], 1)
	_, err = l.play(t.Context(), 3, one("c", func(context.Context) (float64, error) { return 0, io.ErrUnexpectedEOF }))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	values := make([]float64, 100)
	for i := range values {
		values[i] = float64(i)
	}
	require.InDelta(t, 50, quantile(values, 0.50), 0)
	require.InDelta(t, 99, quantile(values, 0.99), 0)
	require.InDelta(t, 7, quantile([]float64{7}, 0.99), 0)
}

// What is written in pieces before the answer is one round trip.
func TestCounting(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, _ = io.Copy(conn, conn) // until the other side closes
			_ = conn.Close()
		}
	}()
	var trips atomic.Int64
	conn, err := counting(&trips)(t.Context(), "tcp", listener.Addr().String())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	for range 2 {
		for range 3 {
			_, err = conn.Write([]byte("x"))
			require.NoError(t, err)
		}
		_, err = io.ReadFull(conn, make([]byte, 3))
		require.NoError(t, err)
	}
	require.EqualValues(t, 2, trips.Load())
}

// A drain that does not do its work has no rate, and ends at once.
func TestDrainFails(t *testing.T) {
	t.Parallel()
	for want, to := range map[string]*answering{
		"a sender complained":            {err: &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "no"}},
		"5 were delivered and 0 settled": {res: outbox.Result{AlreadyDone: true}},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			o := opened(t, SQLite)
			_, err := fill(t.Context(), o, 5, distinct)
			require.NoError(t, err)
			_, err = drain(t.Context(), o, 5, &to.calls, outbox.SenderConfig{Destinations: everywhere{to}})
			require.ErrorContains(t, err, want)
		})
	}
}

type answering struct {
	calls atomic.Int64
	res   outbox.Result
	err   error
}

func (a *answering) Deliver(context.Context, outbox.Message) (outbox.Result, error) {
	a.calls.Add(1)
	return a.res, a.err
}

// Rows made in bulk are what the store would have written: a sender delivers
// them, and each person has an ordering key of their own.
func TestBulkRowsAreTheStores(t *testing.T) {
	t.Parallel()
	o := opened(t, PGX)
	p, err := StartPlatform(t.Context(), 0)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	require.NoError(t, bulkKept(t.Context(), o, p, 20))
	require.NoError(t, bulkPending(t.Context(), o, 30))
	records, err := o.Find(t.Context(), outbox.Query{States: []outbox.State{outbox.StatePending}})
	require.NoError(t, err)
	require.Len(t, records, 30)
	for _, r := range records {
		require.NoError(t, outbox.CheckMessages([]outbox.Message{r.Message}))
		require.Contains(t, string(r.Facts), r.Person)
		require.Contains(t, string(r.Profile), r.Person)
		for column, want := range map[string]int64{"ordering_key": r.OrderingKey(), "shard": int64(outbox.ShardOf(r.OrderingKey()))} {
			stored, err := o.Number(t.Context(), "SELECT "+column+" FROM amsbridge_queue WHERE id = "+strconv.FormatInt(int64(r.ID), 10))
			require.NoError(t, err)
			require.Equal(t, want, stored)
		}
	}
	cfg, done, err := overHTTP(p, 5)
	require.NoError(t, err)
	defer done()
	_, err = drain(t.Context(), o, 30, &p.Calls, cfg)
	require.NoError(t, err)
}

// A message that comes late is not lost from the figures, nor one that overtakes
// the news of its commit.
func TestStopwatch(t *testing.T) {
	t.Parallel()
	s := newStopwatch()
	s.arrive("a")
	s.commit("a")
	s.commit("b")
	s.arrive("b")
	took, err := s.milliseconds(t.Context(), 2)
	require.NoError(t, err)
	require.Len(t, took, 2)
	require.Zero(t, took[0])
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.milliseconds(ctx, 3)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, paced(t.Context(), 3, 1000, func(int, time.Time) error { return nil }))
	require.Error(t, paced(t.Context(), 3, 1000, func(int, time.Time) error { return errors.New("no") }))
}
