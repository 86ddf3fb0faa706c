package outbox

import "context"

// Find returns the messages that match, in the order of their IDs, or the newest first. The errors are
// *amsbridge.InputError for a query that selects nothing, and the store's.
func (o *Operator) Find(ctx context.Context, q Query) ([]Record, error) { return o.store.Find(ctx, q) }

// Groups counts the messages that match, by destination, state and reason: what is parked and why, or how
// many an action in bulk would meet. A query that selects nothing counts the queue.
func (o *Operator) Groups(ctx context.Context, q Query) ([]Group, error) {
	return o.store.Groups(ctx, q)
}

// Attempts returns entries of messages' logs.
func (o *Operator) Attempts(ctx context.Context, q AttemptQuery) ([]Attempt, error) {
	return o.store.Attempts(ctx, q)
}

// Counts returns the numbers of queued messages, by destination.
func (o *Operator) Counts(ctx context.Context) ([]Count, error) { return o.store.Counts(ctx) }

// Destinations returns the state of each destination that has a stored state, and that of everything,
// whose name is empty.
func (o *Operator) Destinations(ctx context.Context) ([]DestinationState, error) {
	return o.store.Destinations(ctx)
}

// Tasks returns open tasks of entries, the oldest entry's first.
func (o *Operator) Tasks(ctx context.Context, q TaskQuery) ([]OpenTask, error) {
	return o.store.Tasks(ctx, q)
}

// Audit returns operators' actions, newest first.
func (o *Operator) Audit(ctx context.Context, q AuditQuery) ([]AuditEntry, error) {
	return o.store.Audit(ctx, q)
}
