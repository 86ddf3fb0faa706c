package outbox

import (
	"errors"
	"fmt"
)

// Errors of stores and of the operator's calls.
var (
	// ErrNoTransaction is returned by a Writer for a nil or finished transaction. Nothing was written.
	ErrNoTransaction = errors.New("outbox: no open transaction")
	// ErrNotFound is returned for an ID that no message has.
	ErrNotFound = errors.New("outbox: no such message")
	// ErrInFlight is returned for an operator's action on a message that a sender is delivering: try
	// again.
	ErrInFlight = errors.New("outbox: the message is being delivered")
)

// ConflictError says that a key exists with other facts. The first message is
// kept as it was. Nothing of the call was written and the transaction is
// usable, unless MustRollBack is set.
type ConflictError struct {
	Destination string
	Key         string
	// ID is the message that holds the key.
	ID ID
	// MustRollBack is set when the other message was committed while this call ran. The transaction may
	// then hold rows of this call and must be rolled back.
	MustRollBack bool
}

// Error names destination and key.
func (e *ConflictError) Error() string {
	s := fmt.Sprintf("outbox: %s message %s exists with other facts", e.Destination, e.Key)
	if e.MustRollBack {
		s += " and was committed meanwhile: roll the transaction back"
	}
	return s
}

// ExistsError says that keys named in [Message.Unless] exist. Nothing of the
// call was written and the transaction is usable.
type ExistsError struct {
	Found []Found
}

// Found is a stored message whose key was named in [Message.Unless].
type Found struct {
	ID          ID
	Destination string
	Key         string
}

// Error tells how many keys exist.
func (e *ExistsError) Error() string {
	return fmt.Sprintf("outbox: %d of the keys that must not exist do", len(e.Found))
}

// RefusedError says that a message's state forbids an operator's action, or that a message to be
// replaced is no longer parked or held. Nothing was changed.
type RefusedError struct {
	ID     ID
	Reason string
}

// Error names the message and the reason.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("outbox: message %d: %s", e.ID, e.Reason)
}
