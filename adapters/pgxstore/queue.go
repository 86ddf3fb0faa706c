package pgxstore

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox"
)

// Claim leases due messages in one short transaction, and begins none when nothing is due. Claims of
// all senders run one after another, so two cannot lease one person's messages at once.
func (s *Store) Claim(ctx context.Context, req outbox.ClaimRequest) (outbox.Claim, error) {
	return s.core.Claim(ctx, req)
}

// Settle records outcomes, in transactions of at most 1,000 each.
func (s *Store) Settle(ctx context.Context, batch []outbox.Settlement) ([]outbox.ID, error) {
	return s.core.Settle(ctx, batch)
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

// Find returns the messages that match, in the order of their IDs.
func (s *Store) Find(ctx context.Context, q outbox.Query) ([]outbox.Record, error) {
	return s.core.Find(ctx, q)
}

// Attempts returns a message's log, oldest first.
func (s *Store) Attempts(ctx context.Context, id outbox.ID) ([]outbox.Attempt, error) {
	return s.core.Attempts(ctx, id)
}

// Counts returns the numbers of queued messages, by destination.
func (s *Store) Counts(ctx context.Context) ([]outbox.Count, error) { return s.core.Counts(ctx) }

// Destinations returns the state of each destination that has a stored state.
func (s *Store) Destinations(ctx context.Context) ([]outbox.DestinationState, error) {
	return s.core.Destinations(ctx)
}

// Tasks returns the open tasks of entries, the oldest first.
func (s *Store) Tasks(ctx context.Context, limit int) ([]outbox.OpenTask, error) {
	return s.core.Tasks(ctx, limit)
}

// Audit returns operators' actions, newest first.
func (s *Store) Audit(ctx context.Context, limit int) ([]outbox.AuditEntry, error) {
	return s.core.Audit(ctx, limit)
}

// Act performs an operator's action and records it, both or neither.
func (s *Store) Act(ctx context.Context, a outbox.Action) error { return s.core.Act(ctx, a) }

// Erase removes a person from the record, in one transaction.
func (s *Store) Erase(ctx context.Context, e outbox.Erasure) (int, error) {
	return s.core.Erase(ctx, e)
}
