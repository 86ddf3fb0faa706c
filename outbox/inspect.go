package outbox

import (
	"context"
	"time"
)

// Inspector is a store as an [Operator] reads it and acts on it.
type Inspector interface {
	// Find returns the messages that match, in the order of their IDs, or the newest first.
	Find(ctx context.Context, q Query) ([]Record, error)
	// Groups counts the messages that match, by destination, state and reason: the largest groups first, as
	// many as the query's limit. A query that selects nothing counts the queue, of a Destination, a Scope
	// or a Reason where these are set.
	Groups(ctx context.Context, q Query) ([]Group, error)
	// Attempts returns entries of messages' logs.
	Attempts(ctx context.Context, q AttemptQuery) ([]Attempt, error)
	// Counts returns the numbers of queued messages, by destination.
	Counts(ctx context.Context) ([]Count, error)
	// Destinations returns the state of each destination that has a stored state, and while everything is
	// paused that of everything, whose name is empty.
	Destinations(ctx context.Context) ([]DestinationState, error)
	// Tasks returns open tasks of entries, the oldest entry's first.
	Tasks(ctx context.Context, q TaskQuery) ([]OpenTask, error)
	// Audit returns operators' actions, newest first.
	Audit(ctx context.Context, q AuditQuery) ([]AuditEntry, error)
	// Act performs an operator's action, inserts its follow-ups and records it, all or none. Errors:
	// [ErrNotFound], [ErrInFlight], [ErrNotAdopted], [*RefusedError], and *amsbridge.InputError for a
	// follow-up that may not be inserted. Use [Operator] rather than calling it directly: it checks the action first.
	Act(ctx context.Context, a Action) error
	// Erase removes a person from the record, and returns how many messages it changed. Use
	// [Operator.Erase] rather than calling it directly.
	Erase(ctx context.Context, e Erasure) (int, error)
}

// Attempt is one entry in a message's log.
type Attempt struct {
	// ID is the message.
	ID ID
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
	NotPaused Pausing = 0
	// PausedByItself: credentials refused, or a wrong address or account; probed, and resumed by a success.
	// Of everything: a session of another installation joined; not probed, and resumed by [Operator.Adopt].
	PausedByItself   Pausing = 1
	PausedByOperator Pausing = 2 // until an operator resumes it
)

// DestinationState is the state of a destination.
type DestinationState struct {
	// Name is empty for the state of everything: while it is paused, nothing is sent to any destination.
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
	VerbAdopt     Verb = "adopt"
)

// Action is an operator's action.
type Action struct {
	Verb   Verb
	Actor  Actor
	Reason string
	// ID is the message, for actions on messages.
	ID ID
	// Destination is the name, for pause and resume. Empty is everything.
	Destination string
	// Association, Subject and Task name the task, for VerbTaskDone.
	Association, Subject, Task string
	// Then are follow-ups, inserted except those whose key exists: see [Message.Sequel].
	Then []Message
	// LookedUp says that profiles are looked up when a message is sent, so that delivered and already
	// done messages can be sent again.
	LookedUp bool
}

// AuditEntry is a recorded action. That on a message has the message's destination, association and
// subject too.
type AuditEntry struct {
	// N numbers the actions; there may be gaps.
	N  int64
	At time.Time
	Action
	// Key is the message's key, for actions on messages.
	Key string
	// Was is the message's state before the action, for actions on messages.
	Was State
}
