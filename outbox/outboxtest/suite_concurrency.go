package outboxtest

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func concurrencyClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"eight senders deliver each message once, one of a person at a time, while shards change hands", (*env[Tx]).eightSenders},
		{"one key inserted from many transactions is one message", (*env[Tx]).oneKeyAtOnce},
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

func (s *env[Tx]) eightSenders() {
	const persons, each, senders = 40, 10, 8
	var msgs []outbox.Message
	for n := range each {
		for p := range persons {
			msgs = append(msgs, push(fmt.Sprintf("%d/%d", p, n), fmt.Sprintf("U-%d", p)))
		}
	}
	s.insert(msgs...)
	log := newSendLog(len(msgs))
	log.ordered = true
	require.NoError(s.t, atOnce(senders, func(i int) error { return s.sendUntil(log, outbox.Shards/senders+i%4) }))
	require.Len(s.t, log.sent, len(msgs))
	for _, rec := range s.all() {
		require.Equal(s.t, outbox.StateDelivered, rec.State)
		require.Equal(s.t, 1, log.sent[rec.Key])
	}
}

func (s *env[Tx]) oneKeyAtOnce() {
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
func (s *env[Tx]) barrier(n int) func() {
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
func (s *env[Tx]) insertRetrying(begun func(), msgs ...outbox.Message) error {
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

func (s *env[Tx]) tryInsert(begun func(), msgs ...outbox.Message) error {
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
