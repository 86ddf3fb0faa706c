package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Outcome is what an attempt came to. It alone decides retry, pause, alarm and
// what the operator reads. Its numbers are stored; they never change.
type Outcome uint8

// The outcomes of a delivery.
const (
	// OutcomeNone: no platform was asked, as when an operator acts or a lease is
	// lost.
	OutcomeNone Outcome = 0
	// OutcomeDelivered: acknowledged. Settled.
	OutcomeDelivered Outcome = 1
	// OutcomeAlreadyDone: the platform had it before. Settled.
	OutcomeAlreadyDone Outcome = 2
	// OutcomeRejected: this message will never be taken as it is. Parked.
	OutcomeRejected Outcome = 3
	// OutcomeNotReady: the platform does not know the person or registration
	// yet. Asked again on a slow schedule, then parked.
	OutcomeNotReady Outcome = 4
	// OutcomeUnauthorized: our credentials are refused. Pauses the destination.
	OutcomeUnauthorized Outcome = 5
	// OutcomeThrottled: too many calls. Holds the destination.
	OutcomeThrottled Outcome = 6
	// OutcomeUnavailable: the platform refused or was not reached, and nothing
	// was done. Tried again after a backoff.
	OutcomeUnavailable Outcome = 7
	// OutcomeUnknown: the platform was reached and gave no answer that can be
	// understood: it may have been done. Tried again after a backoff.
	OutcomeUnknown Outcome = 8
)

var outcomeNames = [...]string{
	OutcomeNone: "none", OutcomeDelivered: "delivered", OutcomeAlreadyDone: "already done", OutcomeRejected: "rejected",
	OutcomeNotReady: "not ready", OutcomeUnauthorized: "unauthorized", OutcomeThrottled: "throttled",
	OutcomeUnavailable: "unavailable", OutcomeUnknown: "unknown",
}

// String returns the outcome as an operator reads it.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return fmt.Sprintf("outcome %d", uint8(o))
}

// OutcomeOf returns the outcome that a sender reads in what a [Destination]
// returned: [OutcomeUnknown] for an error that says none, [OutcomeNone] for
// [ErrNewerVersion], which says that nobody was asked.
func OutcomeOf(res Result, err error) Outcome {
	switch {
	case errors.Is(err, ErrNewerVersion):
		return OutcomeNone
	case err != nil:
		return failure(err).Outcome
	case res.AlreadyDone:
		return OutcomeAlreadyDone
	}
	return OutcomeDelivered
}

// Result is a successful delivery.
type Result struct {
	// AlreadyDone is set when the platform said that it was done before.
	AlreadyDone bool
	// Code is the platform's own status, such as "200" or "44". At most 64 bytes
	// are kept.
	Code string
	// Detail is the platform's reply, scrubbed of secrets and personal data. At
	// most 4 KiB are kept.
	Detail string
	// Receipt is what must outlive the delivery, such as a product URL. At most
	// 64 KiB.
	Receipt []byte
	// Then are follow-up messages, inserted in the transaction that settles this
	// delivery. Those whose key exists already are left out.
	Then []Message
}

// Destination delivers messages. Deliver is called from many goroutines at
// once, but never twice at a time for one person. The context ends before the
// message's lease does; Deliver must return when it ends.
//
// It returns a nil error when the platform acknowledged the message or had it
// before, and otherwise a [*DeliveryError]. Any other error counts as
// [OutcomeUnknown]: the message may have been taken. A panic counts likewise.
// What Deliver returns is stored and logged: it must hold no secret and no
// personal data.
type Destination interface {
	Deliver(ctx context.Context, m Message) (Result, error)
}

// DeliveryError is a delivery that did not succeed.
type DeliveryError struct {
	// Outcome is one of rejected, not ready, unauthorized, throttled,
	// unavailable and unknown.
	Outcome Outcome
	// Tentative marks an unauthorized answer that may concern this message only
	// (HTTP 403): it is retried, and pauses the destination once three different
	// messages in a row met it.
	Tentative bool
	// Code is the platform's own status.
	Code string
	// Reason says in plain words what is wrong, for the operator.
	Reason string
	// Detail is the platform's reply, scrubbed.
	Detail string
	// RetryAfter is how long the platform asked to wait. Zero when it did not
	// say. At most six hours are honoured.
	RetryAfter time.Duration
	// Err is the cause, or nil. It must be scrubbed as well.
	Err error
}

// Error returns outcome, code and reason.
func (e *DeliveryError) Error() string {
	s := e.Outcome.String()
	if e.Code != "" {
		s += " (" + e.Code + ")"
	}
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	return s
}

// Unwrap returns the cause.
func (e *DeliveryError) Unwrap() error { return e.Err }

// ErrNewerVersion is returned by a [Destination] that does not know a message's
// payload version, as happens while a new release is rolled out. The message is
// deferred with an alarm, and never parked for it.
var ErrNewerVersion = errors.New("outbox: the message's payload version is newer than this program")
