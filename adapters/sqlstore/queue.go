package sqlstore

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox"
)

// Join begins a session, in one transaction. Before, it proves that its sender can work: a message is inserted, read,
// recorded as in flight and settled, and all of that is rolled back. On PostgreSQL the other rights that a sender needs
// are asked for. The error names what is in the way.
func (s *Store) Join(ctx context.Context, j outbox.Joining) (outbox.SessionID, error) {
	return s.core.Join(ctx, j)
}

// Beat proves that a session's sender is alive. One that changes nothing else is a single statement on
// PostgreSQL, and two elsewhere.
func (s *Store) Beat(ctx context.Context, b outbox.Beat) (outbox.Pulse, error) {
	return s.core.Beat(ctx, b)
}

// Read returns pending messages: on SQLite at most 500, for on a handle of one connection the shop waits
// meanwhile.
func (s *Store) Read(ctx context.Context, r outbox.Reading) (outbox.Read, error) {
	return s.core.Read(ctx, r)
}

// Leave ends a session, in one transaction.
func (s *Store) Leave(ctx context.Context, id outbox.SessionID) error { return s.core.Leave(ctx, id) }

// Record notes that a session is about to send messages, in one transaction.
func (s *Store) Record(ctx context.Context, f outbox.Flight) (outbox.Recorded, error) {
	return s.core.Record(ctx, f)
}

// Settle records outcomes in one transaction. On SQLite it uses several, of at most 90 messages each,
// so that checkouts never wait long.
func (s *Store) Settle(ctx context.Context, st outbox.Settling) (outbox.Settled, error) {
	return s.core.Settle(ctx, st)
}

// Prune deletes what need not be kept any longer.
func (s *Store) Prune(ctx context.Context, p outbox.Pruning) (outbox.Pruned, error) {
	return s.core.Prune(ctx, p)
}

// NewTasks returns tasks of subjects' last entries that nobody was told of. One that is new in an older
// entry is still to be told while the last one lists it.
func (s *Store) NewTasks(ctx context.Context, limit int) ([]outbox.OpenTask, error) {
	return s.core.NewTasks(ctx, limit)
}

// TasksTold records that somebody was told of these tasks, in one statement.
func (s *Store) TasksTold(ctx context.Context, told []outbox.OpenTask) error {
	return s.core.TasksTold(ctx, told)
}

// Find returns the messages that match, in the order of their IDs, or the newest first.
func (s *Store) Find(ctx context.Context, q outbox.Query) ([]outbox.Record, error) {
	return s.core.Find(ctx, q)
}

// Groups counts the messages that match, by destination, state and reason.
func (s *Store) Groups(ctx context.Context, q outbox.Query) ([]outbox.Group, error) {
	return s.core.Groups(ctx, q)
}

// Attempts returns entries of messages' logs.
func (s *Store) Attempts(ctx context.Context, q outbox.AttemptQuery) ([]outbox.Attempt, error) {
	return s.core.Attempts(ctx, q)
}

// Counts returns the numbers of queued messages, by destination.
func (s *Store) Counts(ctx context.Context) ([]outbox.Count, error) { return s.core.Counts(ctx) }

// Destinations returns the state of each destination that has a stored state.
func (s *Store) Destinations(ctx context.Context) ([]outbox.DestinationState, error) {
	return s.core.Destinations(ctx)
}

// Tasks returns open tasks of entries, the oldest entry's first.
func (s *Store) Tasks(ctx context.Context, q outbox.TaskQuery) ([]outbox.OpenTask, error) {
	return s.core.Tasks(ctx, q)
}

// Audit returns operators' actions, newest first.
func (s *Store) Audit(ctx context.Context, q outbox.AuditQuery) ([]outbox.AuditEntry, error) {
	return s.core.Audit(ctx, q)
}

// Act performs an operator's action and records it, both or neither.
func (s *Store) Act(ctx context.Context, a outbox.Action) error { return s.core.Act(ctx, a) }

// Erase removes a person from the record, in one transaction.
func (s *Store) Erase(ctx context.Context, e outbox.Erasure) (int, error) {
	return s.core.Erase(ctx, e)
}
