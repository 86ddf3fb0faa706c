package outbox

import (
	"context"
	"strings"
)

// Operator holds the calls of the person who is asked "where is my course?".
// Each names its actor and a reason, and is recorded with the change itself,
// both or neither.
type Operator struct{ store Inspector }

// NewOperator returns the operator's calls on a store.
func NewOperator(store Inspector) (*Operator, error) {
	if store == nil {
		return nil, &FieldError{"store", "is nil"}
	}
	return &Operator{store}, nil
}

// SendAgain makes a parked message pending once more, due now, with its
// attempts and lost leases counted anew; the facts are the same. A pending one
// becomes due now. Refused for tasks (rebuild them) and for what has left the
// queue: its profile is deleted.
func (o *Operator) SendAgain(ctx context.Context, actor Actor, id ID, reason string) error {
	return o.act(ctx, Action{Verb: VerbSendAgain, Actor: actor, ID: id, Reason: reason})
}

// Discard ends a message that shall not be sent any more. Those that wait for
// it are released.
func (o *Operator) Discard(ctx context.Context, actor Actor, id ID, reason string) error {
	return o.act(ctx, Action{Verb: VerbDiscard, Actor: actor, ID: id, Reason: reason})
}

// MarkDone ends a message whose work was done by hand. Those that wait for it
// are released.
func (o *Operator) MarkDone(ctx context.Context, actor Actor, id ID, reason string) error {
	return o.act(ctx, Action{Verb: VerbMarkDone, Actor: actor, ID: id, Reason: reason})
}

// Pause stops sending to a destination until Resume. Messages are still
// accepted. Deliveries under way end as they do.
func (o *Operator) Pause(ctx context.Context, actor Actor, destination, reason string) error {
	return o.act(ctx, Action{Verb: VerbPause, Actor: actor, Destination: destination, Reason: reason})
}

// Resume ends a pause, whoever began it, and a hold.
func (o *Operator) Resume(ctx context.Context, actor Actor, destination, reason string) error {
	return o.act(ctx, Action{Verb: VerbResume, Actor: actor, Destination: destination, Reason: reason})
}

func (o *Operator) act(ctx context.Context, a Action) error {
	for _, f := range []struct {
		name  string
		value *string
		limit int
	}{{"actor name", &a.Actor.Name, 255}, {"reason", &a.Reason, MaxReason}} {
		*f.value = CutText(strings.TrimSpace(*f.value), f.limit)
		if *f.value == "" {
			return &FieldError{f.name, "is empty"}
		}
	}
	a.Actor.Role = CutText(a.Actor.Role, 255)
	if a.Verb == VerbPause || a.Verb == VerbResume {
		if err := CheckDestination(a.Destination); err != nil {
			return err
		}
	} else if a.ID <= 0 {
		return &FieldError{"id", "is not positive"}
	}
	return o.store.Act(ctx, a)
}
