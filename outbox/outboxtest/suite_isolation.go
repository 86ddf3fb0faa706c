package outboxtest

import (
	"fmt"
	"runtime"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func isolationClauses[Tx any]() []clause[Tx] {
	var clauses []clause[Tx]
	for _, isolation := range []string{"read committed", "repeatable read", "serializable"} {
		clauses = append(clauses,
			clause[Tx]{"a concurrent repeat is one message at " + isolation, func(s *env[Tx]) { s.repeatAt(isolation) }},
			clause[Tx]{"a sender goes on beside checkouts at " + isolation, func(s *env[Tx]) { s.sendBeside(isolation) }},
		)
	}
	return clauses
}

// retried repeats a whole transaction that the database refused, as a shop
// does.
func (s *env[Tx]) retried(isolation string, begun func(), f func(tx Tx) error) error {
	var err error
	for range 100 {
		if err = s.once(isolation, begun, f); err == nil {
			return nil
		}
		begun = func() {}
	}
	return fmt.Errorf("a hundred transactions were refused: %w", err)
}

// once runs f in a transaction that has read before the others write, so that
// a snapshot is taken where the isolation level takes one.
func (s *env[Tx]) once(isolation string, begun func(), f func(tx Tx) error) error {
	tx, err := s.BeginAt(isolation)
	if err != nil {
		begun()
		return err
	}
	defer s.Rollback(tx)
	_, err = s.Store.FindTx(s.t.Context(), tx, outbox.Query{Keys: []string{"absent"}, Destination: "elevate"})
	begun()
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	runtime.Gosched() // this is when another may insert the same
	return s.Commit(tx)
}

func (s *env[Tx]) needsIsolation() {
	if s.BeginAt == nil || !s.Concurrent {
		s.t.Skip("NOT TESTED: the harness says that the store has no isolation levels to choose from")
	}
}

// repeatAt inserts the same two keys from six transactions, in either order.
func (s *env[Tx]) repeatAt(isolation string) {
	s.needsIsolation()
	const rounds, at = 4, 6
	for round := range rounds {
		keys := []string{fmt.Sprint(round, "a"), fmt.Sprint(round, "b")}
		begun := s.barrier(at)
		require.NoError(s.t, atOnce(at, func(i int) error {
			return s.retried(isolation, begun, func(tx Tx) error {
				own := push(fmt.Sprint(round, "of", i), "U-2")
				_, err := s.Store.InsertTx(s.t.Context(), tx, push(keys[i%2], "U-1"), own, push(keys[1-i%2], "U-1"))
				return err
			})
		}))
		require.Len(s.t, s.find(outbox.Query{Keys: keys}), 2)
	}
	require.Len(s.t, s.all(), rounds*(at+2), "each transaction's own message was kept")
}

// sendBeside delivers while checkouts insert and repeat.
func (s *env[Tx]) sendBeside(isolation string) {
	s.needsIsolation()
	const shops, each = 4, 6
	log := newSendLog(shops * each)
	require.NoError(s.t, atOnce(shops+2, func(i int) error {
		if i >= shops {
			return s.sendUntil(log, 24+i)
		}
		for n := range each {
			err := s.retried(isolation, func() {}, func(tx Tx) error {
				m := push(fmt.Sprint(i, "/", n), fmt.Sprint("U-", n%2))
				if _, err := s.Store.InsertTx(s.t.Context(), tx, m); err != nil {
					return err
				}
				_, err := s.Store.InsertTx(s.t.Context(), tx, m)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	for _, rec := range s.all() {
		require.Equal(s.t, outbox.StateDelivered, rec.State)
	}
}
