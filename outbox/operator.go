package outbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// Operator is a store as a person reads it and acts on it, by hand, on a page or on a command line. Each
// action names its actor and a reason, which are recorded together with the change, both or neither.
// Reasons are kept for ever: they must hold no personal data.
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

// SendAgain makes a parked message pending and due now, with its attempts and lost sessions counted
// from zero; the facts are the same. A pending message becomes due now. It is refused for messages that have
// left the queue, except delivered and already done ones where [OperatorConfig].LookedUp is set.
func (o *Operator) SendAgain(ctx context.Context, actor Actor, id ID, reason string) error {
	return o.act(ctx, Action{Verb: VerbSendAgain, Actor: actor, ID: id, Reason: reason, LookedUp: o.cfg.LookedUp})
}

// Discard ends a message that is not to be sent any more. What a grant of an order may have brought
// already is then taken back, unless another line brings it (see [Message.Sequel]).
func (o *Operator) Discard(ctx context.Context, actor Actor, id ID, reason string) error {
	return o.end(ctx, Action{Verb: VerbDiscard, Actor: actor, ID: id, Reason: reason})
}

// MarkDone ends a message whose work was done by hand. What somebody ended by hand, and a line brings by
// now, is then given again (see [Message.Sequel]).
func (o *Operator) MarkDone(ctx context.Context, actor Actor, id ID, reason string) error {
	return o.end(ctx, Action{Verb: VerbMarkDone, Actor: actor, ID: id, Reason: reason})
}

// TaskDone ends a task of an entry (see [Inspector.Tasks]) that a person did. It is [ErrNotFound] where
// the subject's last entry lists no such task, or it is done already.
func (o *Operator) TaskDone(ctx context.Context, actor Actor, association, subject, task, reason string) error {
	if task == "" {
		return check.Bad("outbox", "task", "is empty")
	}
	return o.act(ctx, Action{
		Verb: VerbTaskDone, Actor: actor, Association: association, Subject: subject, Task: task, Reason: reason,
	})
}

// end acts on a message and inserts its sequel.
func (o *Operator) end(ctx context.Context, a Action) error {
	if a.ID > 0 {
		found, err := o.store.Find(ctx, Query{IDs: []ID{a.ID}})
		if err != nil {
			return err
		}
		for _, r := range found {
			a.Then = append(a.Then, sequelOf(r.Message, a.Verb)...)
		}
	}
	return o.act(ctx, a)
}

// sequelOf returns the message that comes of an operator's ending a message. Facts are kept for ever and
// never change, except that erasing a person empties them: then there is none.
func sequelOf(m Message, verb Verb) []Message {
	if m.Sequel == "" || len(m.Facts) == 0 {
		return nil
	}
	parts := []string{m.Destination, m.Key, string(verb)}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return []Message{{
		Destination: m.Destination, Key: hex.EncodeToString(sum[:16]), KeyParts: parts, Kind: m.Sequel,
		Version: m.Version, Person: m.Person, Subject: m.Subject, Items: m.Items, Facts: m.Facts, Scope: m.Scope,
		Sequel: m.Sequel, TraceContext: m.TraceContext,
	}}
}

// Pause stops sending to a destination until Resume. Messages for it are still accepted. Deliveries
// that have begun are finished.
func (o *Operator) Pause(ctx context.Context, actor Actor, destination, reason string) error {
	if err := CheckDestination(destination); err != nil { // an empty one would be everything
		return err
	}
	return o.act(ctx, Action{Verb: VerbPause, Actor: actor, Destination: destination, Reason: reason})
}

// Resume ends a pause, whoever began it, and a hold. While everything is paused the destination stays so.
func (o *Operator) Resume(ctx context.Context, actor Actor, destination, reason string) error {
	if err := CheckDestination(destination); err != nil {
		return err
	}
	return o.act(ctx, Action{Verb: VerbResume, Actor: actor, Destination: destination, Reason: reason})
}

// PauseAll stops all sending, by senders that start later too, until ResumeAll. Messages are still
// accepted. Deliveries that have begun are finished, and until its next beat a sender may begin what it had
// recorded before.
func (o *Operator) PauseAll(ctx context.Context, actor Actor, reason string) error {
	return o.act(ctx, Action{Verb: VerbPause, Actor: actor, Reason: reason})
}

// ResumeAll ends PauseAll. Destinations that were paused by themselves stay so. It is [ErrNotAdopted] while a
// sender of an installation that did not adopt the store has a session. Once that sender was stopped, it ends
// what the sender paused too; the next one of its kind pauses everything again before it begins anything.
func (o *Operator) ResumeAll(ctx context.Context, actor Actor, reason string) error {
	return o.act(ctx, Action{Verb: VerbResume, Actor: actor, Reason: reason})
}

// Adopt says that the store may be sent from where it is now: after it was copied, restored or moved, on
// purpose. It adopts the store for the installations of the sessions that are there, and ends what they
// paused; a pause of PauseAll stays. Everything in the queue may have been sent since it was copied, so each
// message, parked ones too, is marked as a possible duplicate ([DoubtLost]). To do it twice marks what has
// come since.
//
// After a restore in place, which no sender can tell from what was there before, call it before ResumeAll.
func (o *Operator) Adopt(ctx context.Context, actor Actor, reason string) error {
	return o.act(ctx, Action{Verb: VerbAdopt, Actor: actor, Reason: reason})
}

func (o *Operator) act(ctx context.Context, a Action) error {
	if err := signed(&a.Actor, &a.Reason); err != nil {
		return err
	}
	switch a.Verb {
	case VerbPause, VerbResume, VerbTaskDone, VerbAdopt:
	default:
		if a.ID <= 0 {
			return check.Bad("outbox", "id", "is not positive")
		}
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
