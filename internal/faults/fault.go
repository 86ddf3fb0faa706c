package faults

import (
	"fmt"
	"time"
)

// Kind is a way to misbehave.
type Kind uint8

// The kinds. Those up to Redirect have an answer of their own and follow
// [Fault.Effect]; the later ones say themselves whether the effect happens.
const (
	// None behaves.
	None Kind = iota
	// Throttle answers 429, with [Fault.RetryAfter] as the Retry-After header.
	Throttle
	// ServerError answers 500.
	ServerError
	// Unavailable answers 503, with [Fault.RetryAfter] as the Retry-After header.
	Unavailable
	// Unauthorized answers 401.
	Unauthorized
	// Forbidden answers 403.
	Forbidden
	// Garbage answers 200 with [Fault.Body].
	Garbage
	// Reply answers [Fault.Status] with [Fault.Body] of [Fault.ContentType].
	Reply
	// LoginPage answers 200 with an HTML page that asks to sign in.
	LoginPage
	// Redirect answers 302 to a host that does not exist.
	Redirect
	// Slow waits for [Fault.Delay] and behaves; a caller who goes away while it
	// waits has caused no effect.
	Slow
	// CutBefore cuts the connection: no effect and no answer.
	CutBefore
	// CutAfter carries the call out and cuts the connection without an answer.
	CutAfter
	// Truncate carries the call out and cuts the connection in the middle of
	// the answer's body.
	Truncate
	// HoldAfter carries the call out and keeps the answer back until the
	// caller goes away, [Hold.Release] is called or [Fault.Delay] has passed.
	HoldAfter
)

var kindNames = [...]string{
	None: "none", Throttle: "throttle", ServerError: "server error", Unavailable: "unavailable",
	Unauthorized: "unauthorized", Forbidden: "forbidden", Garbage: "garbage", Reply: "reply",
	LoginPage: "login page", Redirect: "redirect", Slow: "slow",
	CutBefore: "cut before", CutAfter: "cut after", Truncate: "truncate",
	HoldAfter: "hold after",
}

// String returns the kind as a journal shows it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("fault %d", uint8(k))
}

// MarshalText writes the kind as [Kind.String] has it.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Fault is one misbehaviour. The zero value behaves.
type Fault struct {
	Kind Kind
	// RetryAfter is the text of the Retry-After header, sent as it is: seconds,
	// a date, or nonsense. Defaults to no such header.
	RetryAfter string
	// Delay is how long Slow waits, and after how long HoldAfter lets its answer
	// go by itself. Defaults to no wait, and to a hold without end.
	Delay time.Duration
	// Body is what Garbage and Reply answer. Defaults for Garbage to bytes that
	// are neither text, JSON nor XML.
	Body string
	// Status and ContentType go with a Reply's body. They default to 200 and
	// "application/json".
	Status      int
	ContentType string
	// Effect carries the call out before the fault's own answer, for those of
	// the kinds up to Redirect. Defaults to false: no effect.
	Effect bool
	// Hold lets a test watch and end HoldAfter. Defaults to nil: the answer is
	// held for the delay or until the caller goes away.
	Hold *Hold
}
