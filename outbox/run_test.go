package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// spool is a queue that gives out its messages once.
type spool struct {
	mu   sync.Mutex
	msgs []Message
	lost int // settlements that are not acknowledged
}

func (q *spool) Claim(_ context.Context, req ClaimRequest) (Claim, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(req.Limit, len(q.msgs))
	c := Claim{Leased: make([]Leased, n)}
	for i := range n {
		c.Leased[i].Message = q.msgs[i]
		if i > 0 && i%2 == 0 {
			c.Busy = append(c.Busy, q.msgs[i].OrderingKey(), int64(i))
		}
	}
	q.msgs = q.msgs[n:]
	return c, nil
}

func (q *spool) Settle(_ context.Context, batch []Settlement) ([]ID, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var ids []ID
	for i, st := range batch {
		if i%7 == 0 {
			q.lost++
			continue
		}
		ids = append(ids, st.Message.ID)
	}
	return ids, nil
}

func (q *spool) Prune(context.Context, Pruning) (Pruned, error) { return Pruned{}, nil }

func (q *spool) NewTasks(context.Context, int) ([]OpenTask, error) { return nil, nil }

func (q *spool) TasksTold(context.Context, []OpenTask) error { return nil }

type deliver func(Message) error

func (d deliver) Deliver(_ context.Context, m Message) (Result, error) { return Result{}, d(m) }

func (d deliver) Resolve(string) (Destination, bool) { return d, true }

// Nothing is remembered of destinations and lanes that have nothing under way,
// but for trouble; and that not longer than it lasts.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, bad := &spool{}, true
		s, err := NewSender(q, SenderConfig{Destinations: deliver(func(m Message) error {
			if bad && m.Subject == "bad" {
				return &DeliveryError{Outcome: OutcomeUnavailable}
			}
			return nil
		}), Alarm: func(context.Context, Alarm) {}, Logger: slog.New(slog.DiscardHandler), Concurrency: 3, Window: 500})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		r := newRun(t.Context(), s)
		var all sync.WaitGroup
		all.Go(r.settleAll)
		all.Go(func() {
			r.fetch(ctx)
			r.giveBackWaiting()
			r.workers.Wait()
			r.lastOutcome()
		})
		load := func(subject string, destinations int) {
			q.mu.Lock()
			for i := range 5 * destinations {
				q.msgs = append(q.msgs, Message{
					ID: ID(i + 1), Destination: fmt.Sprint("d", i/5), Person: fmt.Sprint(i % 2), Key: fmt.Sprint(subject, i), Subject: subject,
				})
			}
			q.mu.Unlock()
			s.Wake()
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		requireLeft := func(lines int) {
			t.Helper()
			r.mu.Lock()
			defer r.mu.Unlock()
			require.Len(t, r.lines, lines)
			require.Empty(t, r.active)
			require.Empty(t, r.lanes.own)
			require.Empty(t, r.lanes.skipped(time.Now()))
			require.Empty(t, r.lanes.skip)
			require.Zero(t, r.inHand)
			require.Zero(t, r.unsettled)
		}
		load("good", 400)
		requireLeft(0)
		load("bad", 20)
		requireLeft(20)
		load("good", 400)
		requireLeft(0)
		require.Positive(t, q.lost, "lost leases included")
		stop()
		all.Wait()
	})
}

func TestRunsOf(t *testing.T) {
	t.Parallel()
	leased := func(places ...string) []Leased {
		out := make([]Leased, len(places))
		for i, p := range places {
			out[i].ID, out[i].Destination, out[i].Person = ID(i+1), p[:1], p[1:]
		}
		return out
	}
	for name, c := range map[string]struct {
		leased []Leased
		full   int
		want   [][]ID
		behind []bool
	}{
		"nothing":             {nil, 3, nil, nil},
		"distinct":            {leased("ax", "ay", "bx"), 3, [][]ID{{1}, {2}, {3}}, []bool{false, false, false}},
		"runs":                {leased("ax", "ax", "ay", "bx", "bx", "bx"), 3, [][]ID{{1, 2}, {3}, {4, 5, 6}}, []bool{false, false, true}},
		"one each is no sign": {leased("ax", "ay"), 1, [][]ID{{1}, {2}}, []bool{false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := NewToken()
			var got [][]ID
			var behind []bool
			for _, b := range runsOf(c.leased, laneRun{token: token}, c.full) {
				require.Equal(t, token, b.token)
				require.Equal(t, b.rows[0].OrderingKey(), b.lane)
				var ids []ID
				for _, l := range b.rows {
					ids = append(ids, l.ID)
				}
				got, behind = append(got, ids), append(behind, b.behind)
			}
			require.Equal(t, c.want, got)
			require.Equal(t, c.behind, behind)
		})
	}
}

func TestOutcomesKeepTheirRuns(t *testing.T) {
	t.Parallel()
	fill := func(ids ...ID) (o outcomes) {
		for _, id := range ids {
			o.add(&laneRun{lane: int64(id)}, &Settlement{Message: Message{ID: id}})
		}
		return o
	}
	requireIDs := func(o outcomes, ids ...ID) {
		t.Helper()
		require.Len(t, o.of, len(ids))
		for i, id := range ids {
			require.Equal(t, id, o.st[i].Message.ID)
			require.EqualValues(t, id, o.of[i].lane)
		}
		for _, st := range o.st[len(o.st):cap(o.st)] {
			require.Zero(t, st, "no payload is kept")
		}
	}
	a, b := outcomes{}, fill(1, 2, 3)
	a.append(&b)
	requireIDs(a, 1, 2, 3)
	requireIDs(b)
	b = fill(4, 5)
	a.append(&b)
	requireIDs(a, 1, 2, 3, 4, 5)
	requireIDs(b)
	a.firstLast()
	requireIDs(a, 2, 3, 4, 5, 1)
	requireIDs(a.split(func(i int) bool { return i%2 == 1 }), 3, 5)
	requireIDs(a, 2, 4, 1)
	a.cut(2)
	requireIDs(a, 1)
	a.cut(1)
	requireIDs(a)
}

// A lane that is settled while a claim is under way, which skips it, is looked
// at again right after.
func TestLaneSettledDuringAClaimIsClaimedNext(t *testing.T) {
	t.Parallel()
	for name, others := range map[string]int{"nothing else": 0, "something else unsettled": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := NewSender(&spool{}, SenderConfig{Destinations: deliver(func(Message) error { return nil }), Concurrency: 10 + others})
			require.NoError(t, err)
			r := newRun(t.Context(), s)
			leased := make([]Leased, 10+others)
			for i := range leased {
				leased[i].Message = Message{ID: ID(i + 1), Destination: "d", Person: "one"}
				if i >= 10 {
					leased[i].Person = "two"
				}
			}
			until := time.Now().Add(time.Hour)
			r.take(runsOf(leased, laneRun{until: until}, 10), ClaimRequest{DestinationLimit: 10 + others})
			r.workers.Wait() // all are delivered

			req, ok := r.plan(time.Now(), false)
			require.True(t, ok)
			require.Equal(t, []int64{leased[0].OrderingKey()}, req.Skip)
			settler := &settler{run: r}
			done := r.done.split(func(i int) bool { return r.done.st[i].Message.Person == "one" })
			settler.recorded(done.st, done.of)
			r.take(nil, req)
			now, _ := r.wanted()
			require.True(t, now)
		})
	}
}

// What is due while its destination has no room is looked for when it has, though
// the claim before that found nothing more.
func TestClaimWithoutRoomIsFollowedByAnother(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, settled bool }{
		"room after it": {false, false}, "room before it is through": {true, false}, "all settled before it is through": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held := make(chan struct{})
			s, err := NewSender(&spool{}, SenderConfig{Concurrency: 2, Destinations: deliver(func(Message) error { <-held; return nil })})
			require.NoError(t, err)
			r := newRun(t.Context(), s)
			leased := make([]Leased, 5)
			for i := range leased {
				leased[i].Message = Message{ID: ID(i + 1), Destination: "d", Person: string(rune('a' + i))}
			}
			r.take(runsOf(leased, laneRun{until: time.Now().Add(time.Hour)}, 1), ClaimRequest{DestinationLimit: 10}) // half of what it might
			req, ok := r.plan(time.Now(), false)
			require.True(t, ok)
			require.Equal(t, 5, req.InFlight["d"], "of 2: there is no room for more")
			if !c.before {
				r.take(nil, req)
			}
			close(held)
			r.workers.Wait()
			if c.settled {
				(&settler{run: r}).recorded(r.done.st, r.done.of)
				require.Empty(t, r.active)
			}
			if c.before {
				r.take(nil, req)
			}
			now, _ := r.wanted()
			require.True(t, now)
		})
	}
}
