package outboxtest

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func concurrencyClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"eight senders deliver each message once, one of a person at a time", (*stand[Tx]).eightSenders},
		{"one key inserted from many transactions is one message", (*stand[Tx]).oneKeyAtOnce},
	}
}

// atOnce runs f n times at once and returns the first error.
func atOnce(n int, f func(i int) error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = f(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (s *stand[Tx]) eightSenders() {
	const persons, each, senders = 40, 10, 8
	var msgs []outbox.Message
	for n := range each {
		for p := range persons {
			msgs = append(msgs, push(fmt.Sprintf("%d/%d", p, n), fmt.Sprintf("U-%d", p)))
		}
	}
	s.insert(msgs...)
	watch := newLaneWatch(len(msgs))
	watch.ordered = true
	require.NoError(s.t, atOnce(senders, func(i int) error { return s.sendAll(watch, i%4) }))
	require.Len(s.t, watch.sent, len(msgs))
	for _, rec := range s.all() {
		require.Equal(s.t, outbox.StateDelivered, rec.State)
		require.Equal(s.t, 1, watch.sent[rec.Key])
	}
}

// sendAll claims runs and settles until all is delivered. What a busy database
// refuses is tried again, as a sender does.
func (s *stand[Tx]) sendAll(watch *laneWatch, run int) error {
	ctx := s.t.Context()
	var last error
	for !watch.done() {
		if time.Now().After(watch.until) {
			return errors.Join(errors.New("not all was delivered within three minutes"), last)
		}
		token := outbox.NewToken()
		c, err := s.Store.Claim(ctx, outbox.ClaimRequest{Token: token, By: "s", Lease: time.Hour, Limit: 10, DestinationLimit: 10, KeyLimit: run})
		if err != nil {
			last = err
			continue
		}
		if err := watch.begin(c.Leased, token); err != nil {
			return err
		}
		runtime.Gosched() // this is when another may claim what it must not
		g := grip{c, token}
		batch := make([]outbox.Settlement, len(c.Leased))
		for i := range batch {
			batch[i] = g.end(i, outbox.StateDelivered)
		}
		watch.end(c.Leased)
		for len(batch) > 0 {
			acknowledged, err := s.Store.Settle(ctx, batch)
			if err == nil && len(acknowledged) != len(batch) {
				return fmt.Errorf("%d of %d settlements acknowledged", len(acknowledged), len(batch))
			}
			if err != nil && time.Now().After(watch.until) {
				return err
			}
			batch = slices.DeleteFunc(batch, func(st outbox.Settlement) bool { return slices.Contains(acknowledged, st.Message.ID) })
		}
	}
	return nil
}

// laneWatch sees whether messages of one lane are ever under way at two senders,
// and whether each is claimed once, in the order of insertion.
type laneWatch struct {
	mu    sync.Mutex
	live  map[int64]outbox.Token
	last  map[int64]outbox.ID
	sent  map[string]int
	want  int
	until time.Time
	// ordered tells that all was inserted before the first claim.
	ordered bool
}

func newLaneWatch(want int) *laneWatch {
	return &laneWatch{
		live: map[int64]outbox.Token{}, last: map[int64]outbox.ID{}, sent: map[string]int{},
		want: want, until: time.Now().Add(3 * time.Minute),
	}
}

func (w *laneWatch) done() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sent) >= w.want
}

func (w *laneWatch) begin(leased []outbox.Leased, token outbox.Token) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range leased {
		lane := l.OrderingKey()
		if other, ok := w.live[lane]; ok && other != token {
			return fmt.Errorf("%s was claimed while another of its ordering key was in flight", l.Key)
		}
		w.live[lane] = token
		if w.ordered && l.ID <= w.last[lane] {
			return fmt.Errorf("%s was claimed after one that was inserted later", l.Key)
		}
		w.last[lane] = l.ID
		if w.sent[l.Key]++; w.sent[l.Key] > 1 {
			return fmt.Errorf("%s was claimed twice", l.Key)
		}
	}
	return nil
}

// end comes before the settlement: after it, another sender may claim at once.
func (w *laneWatch) end(leased []outbox.Leased) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range leased {
		delete(w.live, l.OrderingKey())
	}
}

func (s *stand[Tx]) oneKeyAtOnce() {
	for round := range 10 {
		key := fmt.Sprint(round)
		begun := s.barrier(8)
		require.NoError(s.t, atOnce(8, func(i int) error {
			return s.insertRetrying(begun, push(fmt.Sprintf("%s of %d", key, i), "U-1"), push(key, "U-1", facts(fmt.Sprint(i))))
		}))
		require.Len(s.t, s.find(outbox.Query{Keys: []string{key}}), 1)
	}
	require.Len(s.t, s.all(), 10*(8+1))
}

// barrier returns a function that waits until n have called it, where so many
// transactions can be open at once.
func (s *stand[Tx]) barrier(n int) func() {
	var left sync.WaitGroup
	if s.Concurrent {
		left.Add(n)
	}
	return func() {
		if s.Concurrent {
			left.Done()
			left.Wait()
		}
	}
}

// insertRetrying retries the database's own errors, such as a serialization
// failure, as a shop does.
func (s *stand[Tx]) insertRetrying(begun func(), msgs ...outbox.Message) error {
	var err error
	for range 20 {
		err = s.tryInsert(begun, msgs...)
		if err == nil {
			return nil
		}
		begun = func() {}
	}
	return err
}

func (s *stand[Tx]) tryInsert(begun func(), msgs ...outbox.Message) error {
	tx, err := s.Begin()
	begun()
	if err != nil {
		return err
	}
	defer s.Rollback(tx)
	if _, err := s.Store.InsertTx(s.t.Context(), tx, msgs...); err != nil {
		return err
	}
	runtime.Gosched() // this is when another may insert the same
	return s.Commit(tx)
}
