package outboxtest

import (
	"testing"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// Store is what the suite runs on: the three interfaces of a store.
type Store[Tx any] interface {
	outbox.Writer[Tx]
	outbox.Queue
	outbox.Inspector
}

// Harness is an empty store and the means to use it.
type Harness[Tx any] struct {
	Store Store[Tx]
	// Begin opens a transaction of the kind that Store's Writer takes. It may
	// wait until another one has ended.
	Begin func() (Tx, error)
	// BeginAt opens one at an isolation level: "read committed", "repeatable
	// read" or "serializable". It is used only where Concurrent is set. Nil where
	// the store has none to choose from; clauses of isolation are skipped then.
	BeginAt func(isolation string) (Tx, error)
	// LocksReads tells that the database locks what a serializable transaction
	// reads, and the gap where it finds nothing, so that AppendTx of different
	// subjects may be refused.
	LocksReads bool
	// Commit and Rollback end it. Rollback of one that is finished does nothing.
	Commit   func(Tx) error
	Rollback func(Tx)
	// Advance moves the store's clock, or sets it back. It must not run much
	// faster than the wall's otherwise: the suite allows for some seconds.
	Advance func(time.Duration)
	// Concurrent tells that Store may be used while one of the transactions is
	// open, and eight of those be open at once. A handle with a single connection
	// cannot: the suite then never does.
	Concurrent bool
	// Lock locks the queued row of a message in a transaction, as an operator's
	// action does for a moment. It is used only where Concurrent is set. Nil where
	// a store locks no rows; clauses of locked messages are skipped then.
	Lock func(tx Tx, id outbox.ID) error
	// Corrupt damages a message as it is stored, so that it cannot be read any
	// more. Nil where that cannot be; a clause is skipped then.
	Corrupt func(id outbox.ID)
}

// clause is one clause of the contract.
type clause[Tx any] struct {
	name string
	run  func(*env[Tx])
}

// Run checks that a store keeps the contract of package outbox. Each clause is
// a subtest with a store of its own: open returns an empty one, closes it by
// t.Cleanup, and may call t.Parallel. The zero value of Tx must be a
// transaction that is not open, such as a nil pointer.
func Run[Tx any](t *testing.T, open func(t *testing.T) Harness[Tx]) {
	t.Helper()
	for _, topic := range []struct {
		name    string
		clauses []clause[Tx]
	}{
		{"transactions", transactionClauses[Tx]()},
		{"keys", keyClauses[Tx]()},
		{"entries", entryClauses[Tx]()},
		{"open entries", openEntryClauses[Tx]()},
		{"tasks", taskClauses[Tx]()},
		{"bytes", byteClauses[Tx]()},
		{"find", findClauses[Tx]()},
		{"reads", readClauses[Tx]()},
		{"sessions", sessionClauses[Tx]()},
		{"reaping", reapingClauses[Tx]()},
		{"reading", readingClauses[Tx]()},
		{"recording", recordingClauses[Tx]()},
		{"settle", settleClauses[Tx]()},
		{"late settlements", lateClauses[Tx]()},
		{"follow-ups", followUpClauses[Tx]()},
		{"ends", endClauses[Tx]()},
		{"settlement order and doubt", seqClauses[Tx]()},
		{"destinations", destinationClauses[Tx]()},
		{"rates", rateClauses[Tx]()},
		{"breaker", breakerClauses[Tx]()},
		{"a clock that was set back", clockClauses[Tx]()},
		{"operator", operatorClauses[Tx]()},
		{"installations", installationClauses[Tx]()},
		{"sent again after delivery", lookedUpClauses[Tx]()},
		{"prune", pruneClauses[Tx]()},
		{"sequels", sequelClauses[Tx]()},
		{"erase", eraseClauses[Tx]()},
		{"concurrency", concurrencyClauses[Tx]()},
		{"races", raceClauses[Tx]()},
		{"isolation", isolationClauses[Tx]()},
	} {
		t.Run(topic.name, func(t *testing.T) {
			for _, c := range topic.clauses {
				t.Run(c.name, func(t *testing.T) {
					c.run(&env[Tx]{Harness: open(t), t: t})
				})
			}
		})
	}
}
