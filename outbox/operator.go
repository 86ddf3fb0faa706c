package outbox

import (
	"context"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
)

// OperatorConfig configures an [Operator]. The zero value is enough for most.
type OperatorConfig struct {
	// EraseKey makes the pseudonyms of [Operator.Erase]: at least 32 random bytes,
	// the same in all programs. Defaults to none: nobody can be erased.
	EraseKey Secret
	// LookedUp says that the senders look up the profile of a message that has none (see [Profiles]),
	// so that delivered messages can be sent again. Defaults to false: that is refused, since the
	// profile is deleted.
	LookedUp bool
}

// Operator is the set of actions on messages and destinations that a person takes by hand. Each call
// names its actor and a reason, which are recorded together with the change, both or neither. Reasons
// are kept for ever: they must hold no personal data.
type Operator struct {
	store Inspector
	cfg   OperatorConfig
}

// NewOperator returns the operator of a store, or an *amsbridge.InputError that names the bad field.
func NewOperator(store Inspector, cfg OperatorConfig) (*Operator, error) {
	if check.IsNil(store) {
		return nil, check.Bad("outbox", "store", "is nil")
	}
	if n := len(cfg.EraseKey.bytes()); n > 0 && n < minEraseKey {
		return nil, check.Bad("outbox", "OperatorConfig.EraseKey", "is shorter than 32 bytes")
	}
	if cfg.EraseKey.repeats() {
		return nil, check.Bad("outbox", "OperatorConfig.EraseKey", "is one byte again and again, not random")
	}
	return &Operator{store, cfg}, nil
}

// SendAgain makes a parked message pending and due now, with its attempts and lost leases counted from
// zero; the facts are the same. A pending message becomes due now. It is refused for tasks (rebuild
// them) and for messages that have left the queue, except delivered and already done ones where
// [OperatorConfig].LookedUp is set.
func (o *Operator) SendAgain(ctx context.Context, actor Actor, id ID, reason string) error {
	return o.act(ctx, Action{Verb: VerbSendAgain, Actor: actor, ID: id, Reason: reason, LookedUp: o.cfg.LookedUp})
}

// Discard ends a message that is not to be sent any more. Messages that wait for it are released.
func (o *Operator) Discard(ctx context.Context, actor Actor, id ID, reason string) error {
	return o.act(ctx, Action{Verb: VerbDiscard, Actor: actor, ID: id, Reason: reason})
}

// MarkDone ends a message whose work was done by hand. Messages that wait for it are released.
func (o *Operator) MarkDone(ctx context.Context, actor Actor, id ID, reason string) error {
	return o.act(ctx, Action{Verb: VerbMarkDone, Actor: actor, ID: id, Reason: reason})
}

// Pause stops sending to a destination until Resume. Messages for it are still accepted. Deliveries
// that have begun are finished.
func (o *Operator) Pause(ctx context.Context, actor Actor, destination, reason string) error {
	return o.act(ctx, Action{Verb: VerbPause, Actor: actor, Destination: destination, Reason: reason})
}

// Resume ends a pause, whoever began it, and a hold.
func (o *Operator) Resume(ctx context.Context, actor Actor, destination, reason string) error {
	return o.act(ctx, Action{Verb: VerbResume, Actor: actor, Destination: destination, Reason: reason})
}

func (o *Operator) act(ctx context.Context, a Action) error {
	if err := signed(&a.Actor, &a.Reason); err != nil {
		return err
	}
	if a.Verb == VerbPause || a.Verb == VerbResume {
		if err := CheckDestination(a.Destination); err != nil {
			return err
		}
	} else if a.ID <= 0 {
		return check.Bad("outbox", "id", "is not positive")
	}
	return o.store.Act(ctx, a)
}

// signed cleans and bounds who acts and why, and asks for both.
func signed(actor *Actor, reason *string) error {
	for _, f := range []struct {
		name  string
		value *string
		limit int
	}{{"actor.Name", &actor.Name, 255}, {"reason", reason, MaxReason}} {
		*f.value = CutText(strings.TrimSpace(*f.value), f.limit)
		if *f.value == "" {
			return check.Bad("outbox", f.name, "is empty")
		}
	}
	actor.Role = CutText(actor.Role, 255)
	return nil
}
