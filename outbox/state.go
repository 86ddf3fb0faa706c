package outbox

import "fmt"

// State is the state of a message. Its numbers are stored and never change.
type State uint8

// The first two are states of messages in the queue, the others are final.
const (
	// StatePending: waiting to be sent, waiting for its retry, or being sent.
	StatePending State = 0
	// StateParked: a person must act.
	StateParked State = 1
	// StateDelivered: the platform acknowledged it.
	StateDelivered State = 3
	// StateAlreadyDone: the platform said that it was done before.
	StateAlreadyDone State = 4
	// StateDiscarded: an operator discarded it.
	StateDiscarded State = 5
	// StateMarkedDone: an operator did it by hand.
	StateMarkedDone State = 6
	// StateReplaced: another message took its place.
	StateReplaced State = 7
	// StateWithdrawn: it ended without being sent any more, since nothing was left to be done.
	StateWithdrawn State = 8
)

var stateNames = [...]string{
	StatePending: "pending", StateParked: "parked", StateDelivered: "delivered",
	StateAlreadyDone: "already done", StateDiscarded: "discarded", StateMarkedDone: "marked done",
	StateReplaced: "replaced", StateWithdrawn: "withdrawn",
}

// String returns the state as an operator reads it.
func (s State) String() string {
	if int(s) < len(stateNames) && stateNames[s] != "" {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Final tells whether the message has left the queue.
func (s State) Final() bool { return s >= StateDelivered }
