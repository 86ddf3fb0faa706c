package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Outcome is the result of an attempt. It alone decides retry, pause, alarm and what the operator
// reads. Its numbers are stored and never change.
type Outcome uint8

// The outcomes of a delivery.
const (
	// OutcomeNone: no platform was called, as when an operator acts or a session is lost.
	OutcomeNone Outcome = 0
	// OutcomeDelivered: the platform acknowledged the message. It is settled.
	OutcomeDelivered Outcome = 1
	// OutcomeAlreadyDone: the platform had it before. It is settled.
	OutcomeAlreadyDone Outcome = 2
	// OutcomeRejected: the platform will never accept the message as it is. It is parked.
	OutcomeRejected Outcome = 3
	// OutcomeNotReady: the platform does not know the person or registration yet. It is sent again on a
	// slow schedule, then parked.
	OutcomeNotReady Outcome = 4
	// OutcomeUnauthorized: our credentials are refused. The destination is paused.
	OutcomeUnauthorized Outcome = 5
	// OutcomeThrottled: too many calls. The destination is held.
	OutcomeThrottled Outcome = 6
	// OutcomeUnavailable: the platform refused or was not reached, and nothing was done. It is sent
	// again after a backoff.
	OutcomeUnavailable Outcome = 7
	// OutcomeUnknown: the platform was reached and gave no answer that can be understood, so it may
	// have been done. It is sent again after a backoff.
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

// OutcomeOf returns the outcome that a sender derives from what a [Destination] returned:
// [OutcomeUnknown] for an error without an outcome, and [OutcomeNone] where no platform was called: for
// [ErrNewerVersion], [ErrNotBegun] and a message that was not sent any more.
func OutcomeOf(res Result, err error) Outcome {
	switch {
	case errors.Is(err, ErrNewerVersion), errors.Is(err, ErrNotBegun), err == nil && res.Ended != 0:
		return OutcomeNone
	case err != nil:
		return failure(err).Outcome
	case res.AlreadyDone:
		return OutcomeAlreadyDone
	}
	return OutcomeDelivered
}

// Result is a successful delivery, or one that was not needed any more. Beside an error only Seq, Ends
// and Settled count.
type Result struct {
	// Ended is [StateWithdrawn], [StateReplaced] or [StateAlreadyDone] where nothing was left to be sent,
	// with the reason in Detail; the platform was not called. Zero for a delivery.
	Ended State
	// Seq, Ends and Releases are those of the [Settlement].
	Seq      int64
	Ends     []End
	Releases []ID
	// Settled is called once the sender is done with this attempt: its settlement was acknowledged, or
	// was given up. It must not block. Defaults to none.
	Settled func()
	// AlreadyDone is set when the platform said that it was done before.
	AlreadyDone bool
	// Code is the platform's own status, such as "200" or "44". At most 64 bytes
	// are kept.
	Code string
	// Detail is the platform's reply, scrubbed of secrets and personal data. At
	// most 4 KiB are kept.
	Detail string
	// Receipt is the part of the answer that is kept after the delivery, such as a product URL. At most
	// 64 KiB.
	Receipt []byte
	// Then are follow-up messages, inserted in the transaction that settles this delivery. Those whose
	// key exists already are left out.
	Then []Message
}

// Destination delivers messages. Deliver is called from many goroutines, but never concurrently for one
// person. The context ends before others may take the sender for dead; Deliver must return when it ends.
//
// It returns a nil error when the platform acknowledged the message or had it before, or nothing was
// left to be sent, and otherwise a [*DeliveryError]. Any other error, and a panic, count as
// [OutcomeUnknown]: the platform may have accepted the message. What Deliver returns is stored and
// logged: it must hold no secret and no personal data.
type Destination interface {
	Deliver(ctx context.Context, m Message) (Result, error)
}

// DeliveryError is the error of a delivery that did not succeed.
type DeliveryError struct {
	// Outcome is one of rejected, not ready, unauthorized, throttled, unavailable and unknown.
	Outcome Outcome
	// Tentative marks an answer that is about the destination, or only about this message: HTTP 403, a
	// 404 of the endpoint, a web page in an answer's place. Whatever the outcome, the message is
	// retried, and the destination is paused with status and reason once three different messages got
	// such an answer with none delivered, or said to be not ready, between. The probe of a closed destination
	// pauses it at once, and costs no attempt.
	Tentative bool
	// Partly says that a part of the message took effect all the same.
	Partly bool
	// Code is the platform's own status.
	Code string
	// Reason says in plain words what is wrong, for the operator.
	Reason string
	// Detail is the platform's reply, scrubbed.
	Detail string
	// RetryAfter is how long the platform asked to wait, or zero. At most six hours are honoured.
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

// ErrNewerVersion is returned by a [Destination] that does not know a message's payload version, as
// while a new release is rolled out. The message is deferred with an alarm, and never parked for it.
var ErrNewerVersion = errors.New("outbox: the message's payload version is newer than this program")

// ErrNotBegun is returned by a [Destination] that could not begin, since something of the shop's own does
// not answer, such as its database. This is no attempt, and says nothing of the platform: it is tried again
// within six seconds, and what was committed later of its ordering key waits with it.
var ErrNotBegun = errors.New("outbox: the delivery could not be begun")
