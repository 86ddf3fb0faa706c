package notifiedtest

import "github.com/amsbridge/amsbridge/internal/faults"

// Misbehaviour on command.
type (
	// Fault is one misbehaviour.
	Fault = faults.Fault
	// FaultKind says what goes wrong.
	FaultKind = faults.Kind
	// Hold watches the calls that [HoldAfter] holds.
	Hold = faults.Hold
	// Script says which calls meet which faults, as data: per call, per user, by
	// rate and by seed.
	Script = faults.Script
)

// The kinds of faults.
const (
	None         = faults.None         // behaves normally
	Throttle     = faults.Throttle     // 429 with Fault.RetryAfter
	ServerError  = faults.ServerError  // 500
	Unavailable  = faults.Unavailable  // 503 with Fault.RetryAfter
	Unauthorized = faults.Unauthorized // 401
	Forbidden    = faults.Forbidden    // 403
	Garbage      = faults.Garbage      // 200 with Fault.Body
	LoginPage    = faults.LoginPage    // 200 with an HTML page
	Redirect     = faults.Redirect     // 302 to a host that does not exist
	Slow         = faults.Slow         // waits for Fault.Delay first
	CutBefore    = faults.CutBefore    // no effect, no answer
	CutAfter     = faults.CutAfter     // effect, no answer
	Truncate     = faults.Truncate     // effect, half an answer
	HoldAfter    = faults.HoldAfter    // effect, the answer held back
)

// NewHold returns a [Hold] for a [HoldAfter] fault.
func NewHold() *Hold { return faults.NewHold() }

// Misbehave queues faults for the next calls, one for each. A zero Fault lets a call behave normally.
func (s *Server) Misbehave(next ...Fault) { s.faultPlan().Next(next...) }

// MisbehaveBy calls f for each call that is neither queued nor named by the script; calls are numbered
// from 1. f is never called concurrently and must not use the server. A nil f ends it.
func (s *Server) MisbehaveBy(f func(call int) Fault) { s.faultPlan().Decide(f) }

// Follow replaces the script, or returns an [*amsbridge.InputError] that names its first bad field. The
// new script numbers calls from now on. A call is about the person of its ExternalUserID, or of its
// e-mail address if it has none. The zero Script ends it. Visits of browsers meet no faults.
func (s *Server) Follow(script Script) error { return s.faultPlan().Follow("notifiedtest", script) }

// ParseScript reads a [Script] from JSON, such as
// {"seed": 7, "rate": 0.3, "calls": {"3": {"kind": "login page"}}}. It returns an
// [*amsbridge.InputError] that names the first bad field.
func ParseScript(text []byte) (Script, error) { return faults.ParseScript("notifiedtest", text) }

func (s *Server) faultPlan() *faults.Plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plan
}
