package notifiedtest

import (
	"slices"
	"time"
)

// Call is one call as the sandbox saw it. It holds no credentials and no e-mail
// address.
type Call struct {
	// Seq counts the calls from 1.
	Seq int
	// Time is when the call came in.
	Time time.Time
	// Method is GET or POST.
	Method string
	// Key is the Amsbridge-Key header. The platform is not known to read it.
	Key string
	// Repeat is set when an earlier call had the same key.
	Repeat bool
	// OpCodes is the OpCodeList.
	OpCodes string
	// User is the ExternalUserID: the one asked for, or that of the person whom
	// the e-mail address found.
	User string
	// Show and AddOns are what was asked; zero and nil where malformed.
	Show   int64
	AddOns []int64
	// Added are the add-ons that this call changed the registration by.
	Added []int64
	// Effect is set when the call changed anything.
	Effect bool
	// Status is the last opcode's status, "APICallResult …" where none was run,
	// "CallFailed" for that root, and empty where the fault struck first.
	Status string
	// Fault is the misbehaviour that the call met.
	Fault FaultKind
	// Violations say what about the call the vendor's text does not allow.
	Violations []string
}

// Journal returns the calls so far, in the order in which they came in.
func (s *Server) Journal() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]Call, len(s.calls))
	for i, c := range s.calls {
		calls[i] = *c
		calls[i].AddOns = slices.Clone(c.AddOns)
		calls[i].Added = slices.Clone(c.Added)
		calls[i].Violations = slices.Clone(c.Violations)
	}
	return calls
}

// begin writes a call down before it is carried out, so that one which a fault
// stops is in the journal too.
func (s *Server) begin(c Call) *Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Seq = len(s.calls) + 1
	c.Repeat = c.Key != "" && s.keys[c.Key]
	s.keys[c.Key] = true
	s.calls = append(s.calls, &c)
	return &c
}
