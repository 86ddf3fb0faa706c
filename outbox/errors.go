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
	// ErrNotAdopted is returned by [Operator.ResumeAll] while a session of an installation is there that did
	// not adopt the store: it was copied, restored or moved, or somebody's sender is at the wrong one. Nothing
	// was changed. See [Operator.Adopt].
	ErrNotAdopted = errors.New("outbox: nothing is sent until the store is adopted (Operator.Adopt), or that sender stopped")
)

// RefusedError says that a message's state forbids an operator's action. Nothing was changed.
type RefusedError struct {
	ID     ID
	Reason string
}

// Error names the message and the reason.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("outbox: message %d: %s", e.ID, e.Reason)
}
