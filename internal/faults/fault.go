package faults

import (
	"fmt"
	"time"
)

// Kind is a way to misbehave.
type Kind uint8

// The kinds. Those up to Redirect answer by themselves, and [Fault.Effect] says whether the effect
// happens. For the later ones the kind itself says so.
const (
	// None behaves normally.
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
	// Slow waits for [Fault.Delay] and then behaves normally. If the caller goes away meanwhile, there
	// is no effect.
	Slow
	// CutBefore cuts the connection: no effect and no answer.
	CutBefore
	// CutAfter carries the call out and cuts the connection without an answer.
	CutAfter
	// Truncate carries the call out and cuts the connection in the middle of
	// the answer's body.
	Truncate
	// HoldAfter carries the call out and holds the answer until the caller goes away, [Hold.Release] is
	// called or [Fault.Delay] has passed.
	HoldAfter
)

var kindNames = [...]string{
	None: "none", Throttle: "throttle", ServerError: "server error", Unavailable: "unavailable",
	Unauthorized: "unauthorized", Forbidden: "forbidden", Garbage: "garbage", Reply: "reply",
	LoginPage: "login page", Redirect: "redirect", Slow: "slow",
	CutBefore: "cut before", CutAfter: "cut after", Truncate: "truncate",
	HoldAfter: "hold after",
}

// String returns the kind's name in a journal.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("fault %d", uint8(k))
}

// MarshalText returns [Kind.String].
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Fault is one misbehaviour. The zero value behaves normally.
type Fault struct {
	Kind Kind
	// RetryAfter is the text of the Retry-After header, sent unchanged: seconds, a date, or nonsense.
	// Defaults to no such header.
	RetryAfter string
	// Delay is how long Slow waits, and after how long HoldAfter sends its answer. Defaults to no wait
	// for Slow, and to no limit for HoldAfter.
	Delay time.Duration
	// Body is the body that Garbage and Reply answer. Garbage defaults to bytes that are neither text,
	// JSON nor XML.
	Body string
	// Status and ContentType are those of a Reply. They default to 200 and "application/json".
	Status      int
	ContentType string
	// Effect carries the call out before the fault's own answer, for the kinds up to Redirect. Defaults
	// to false.
	Effect bool
	// Hold lets a test watch and end a HoldAfter. Defaults to nil: the answer is held for Delay or
	// until the caller goes away.
	Hold *Hold
}
