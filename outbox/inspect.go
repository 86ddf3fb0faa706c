package outbox

import (
	"context"
	"time"
)

// Inspector is a store as an operator reads it and acts on it.
type Inspector interface {
	// Find returns the messages that match, in the order of their IDs.
	Find(ctx context.Context, q Query) ([]Record, error)
	// Attempts returns a message's log, oldest first.
	Attempts(ctx context.Context, id ID) ([]Attempt, error)
	// Counts returns the numbers of queued messages, by destination.
	Counts(ctx context.Context) ([]Count, error)
	// Destinations returns the state of each destination that has a stored state.
	Destinations(ctx context.Context) ([]DestinationState, error)
	// Tasks returns the open tasks of entries, the oldest first, at most limit (1 to 10,000).
	Tasks(ctx context.Context, limit int) ([]OpenTask, error)
	// Audit returns operators' actions, newest first, at most limit (1 to
	// 10,000).
	Audit(ctx context.Context, limit int) ([]AuditEntry, error)
	// Act performs an operator's action, inserts its follow-ups and records it, all or none. Errors:
	// [ErrNotFound], [ErrInFlight], [*RefusedError], and *amsbridge.InputError for a follow-up that may
	// not be inserted. Use [Operator] rather than calling it directly: it checks the action first.
	Act(ctx context.Context, a Action) error
	// Erase removes a person from the record, and returns how many messages it changed. Use
	// [Operator.Erase] rather than calling it directly.
	Erase(ctx context.Context, e Erasure) (int, error)
}

// Attempt is one entry in a message's log.
type Attempt struct {
	// N numbers the entries of a message from 1; there may be gaps.
	N int
	// At is when the attempt ended.
	At time.Time
	// Took is how long the delivery took; zero where there was no delivery.
	Took    time.Duration
	Outcome Outcome
	// State is the message's state after it.
	State State
	Code  string
	// Reason and Detail say what happened, without secrets or personal data.
	Reason, Detail string
	Receipt        []byte
	// PossibleDuplicate is set when an earlier send may have reached the platform.
	PossibleDuplicate bool
	// By names the sender, or the operator.
	By string
}

// Count is the number of queued messages of one destination.
type Count struct {
	Destination string
	Pending     int
	InFlight    int // of the pending messages
	Parked      int
	// Oldest is when the oldest pending message, the one with the lowest ID, was
	// created; zero for none.
	Oldest time.Time
}

// Pausing says whether a destination is paused, and by whom. Its numbers are stored and never change.
type Pausing uint8

// Who paused the destination.
const (
	NotPaused        Pausing = 0
	PausedByItself   Pausing = 1 // credentials refused; probed, and resumed by a success
	PausedByOperator Pausing = 2 // until an operator resumes it
)

// DestinationState is the state of a destination.
type DestinationState struct {
	Name    string
	Pausing Pausing
	Reason  string
	// HeldUntil is when a throttled destination may be sent to again; zero when
	// it is not held.
	HeldUntil time.Time
	// ProbeAt is when a destination that paused itself is probed next.
	ProbeAt time.Time
	// BrokenUntil is when a destination whose breaker is open is probed next;
	// zero while the breaker is closed.
	BrokenUntil time.Time
}

// Actor is the person who acts, as the shop's own login knows them.
type Actor struct {
	Name string
	Role string
}

// Verb is what an operator does. Its text is stored.
type Verb string

// The operator's verbs.
const (
	VerbSendAgain Verb = "send again"
	VerbDiscard   Verb = "discard"
	VerbMarkDone  Verb = "mark done"
	VerbPause     Verb = "pause"
	VerbResume    Verb = "resume"
	VerbErase     Verb = "erase"
	VerbTaskDone  Verb = "task done"
)

// Action is an operator's action.
type Action struct {
	Verb   Verb
	Actor  Actor
	Reason string
	// ID is the message, for actions on messages.
	ID ID
	// Destination is the name, for pause and resume.
	Destination string
	// Association, Subject and Task name the task, for VerbTaskDone.
	Association, Subject, Task string
	// Then are follow-ups, inserted except those whose key exists: see [Message.Sequel].
	Then []Message
	// LookedUp says that profiles are looked up when a message is sent, so that delivered and already
	// done messages can be sent again.
	LookedUp bool
}

// AuditEntry is a recorded action.
type AuditEntry struct {
	At time.Time
	Action
	// Key is the message's key, for actions on messages.
	Key string
	// Was is the message's state before the action, for actions on messages.
	Was State
}
