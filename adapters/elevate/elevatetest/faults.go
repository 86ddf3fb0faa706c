package elevatetest

import (
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/faults"
)

// Fault is one misbehaviour. The zero value behaves normally.
type Fault = faults.Fault

// FaultKind is a way to misbehave.
type FaultKind = faults.Kind

// Script says which calls meet which faults: by rate and seed, by call and by user.
type Script = faults.Script

// ParseScript reads a script from its text, one JSON object of at most 256 KiB;
// an error is an [*amsbridge.InputError] that names the field:
//
//	{"seed": 7, "rate": 0.3,
//	 "faults": [{"kind": "cut after"}, {"kind": "throttle", "retry_after": "2"}],
//	 "calls": {"3": {"kind": "reply", "status": 422, "body": "{\"error\":\"no\"}"}},
//	 "users": {"U-1": [{"kind": "server error", "effect": true}]}}
func ParseScript(text []byte) (Script, error) { return faults.ParseScript("elevatetest", text) }

// DefaultFaults returns the faults of a script whose rate names none.
func DefaultFaults() []Fault { return faults.DefaultFaults() }

// Hold lets a test watch and end a [HoldAfter].
type Hold = faults.Hold

// NewHold returns a Hold that holds nothing yet.
func NewHold() *Hold { return faults.NewHold() }

// The kinds of faults.
const (
	None         = faults.None         // behaves normally
	Throttle     = faults.Throttle     // 429, with Fault.RetryAfter
	ServerError  = faults.ServerError  // 500
	Unavailable  = faults.Unavailable  // 503, with Fault.RetryAfter
	Unauthorized = faults.Unauthorized // 401
	Forbidden    = faults.Forbidden    // 403
	Garbage      = faults.Garbage      // 200 with Fault.Body
	Reply        = faults.Reply        // Fault.Status with Fault.Body of Fault.ContentType
	LoginPage    = faults.LoginPage    // 200 with a page that asks to sign in
	Redirect     = faults.Redirect     // 302 to a host that does not exist
	Slow         = faults.Slow         // behaves normally after Fault.Delay
	CutBefore    = faults.CutBefore    // no effect, no answer
	CutAfter     = faults.CutAfter     // the effect, no answer
	Truncate     = faults.Truncate     // the effect, half an answer
	HoldAfter    = faults.HoldAfter    // the effect; the answer waits for Hold.Release or Fault.Delay
)

// Misbehave queues faults for the next registration calls, one for each. A zero Fault lets a call
// behave normally.
func (s *Server) Misbehave(next ...Fault) { s.faultPlan().Next(next...) }

// Follow replaces the script of the registration calls, or returns an [*amsbridge.InputError] that
// names its first bad field as [ParseScript] does. Queued faults come before it, and
// [Server.MisbehaveBy] before its rate. It numbers calls from now on. The zero Script ends it.
func (s *Server) Follow(script Script) error { return s.faultPlan().Follow("elevatetest", script) }

// MisbehaveBy calls f for each registration call that is neither queued nor named by the script; calls
// are numbered from 1. f is never called concurrently and must not use the server. A nil f ends it.
func (s *Server) MisbehaveBy(f func(call int) Fault) { s.faultPlan().Decide(f) }

// MisbehaveReports queues faults for the next report calls, one for each. A zero Fault lets a call
// behave normally.
func (s *Server) MisbehaveReports(next ...Fault) { s.reportFaults().Next(next...) }

// FollowReports replaces the script of the report calls, or returns an [*amsbridge.InputError] as
// [Server.Follow] does. It refuses a script that names users, since a report is not about one person.
// Queued faults come before it. It numbers calls from now on. The zero Script ends it.
func (s *Server) FollowReports(script Script) error {
	if len(script.Users) > 0 {
		return check.Bad("elevatetest", "script.users", "is not for reports, which are about nobody in particular")
	}
	return s.reportFaults().Follow("elevatetest", script)
}

func (s *Server) reportFaults() *faults.Plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reportPlan
}

func (s *Server) faultPlan() *faults.Plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plan
}
