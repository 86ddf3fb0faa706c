package notifiedtest

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"
)

// Call is one call to the sandbox. It holds no credentials, no tickets, no names, and no e-mail address
// unless that is a person's ExternalUserID.
type Call struct {
	// Seq counts the calls from 1.
	Seq int `json:"seq"`
	// Time is when the call came in.
	Time time.Time `json:"time"`
	// Method is GET or POST.
	Method string `json:"method"`
	// Key is the Amsbridge-Key header. The platform is not known to read it.
	Key string `json:"key,omitempty"`
	// Repeat is set when an earlier call had the same key.
	Repeat bool `json:"repeat,omitempty"`
	// Module is the LASCmd's number, where it is another than 50500.
	Module string `json:"module,omitempty"`
	// OpCodes is the OpCodeList, or "(unknown)" where it is too long or has a letter that the sandbox
	// does not know.
	OpCodes string `json:"op_codes"`
	// User is the ExternalUserID of the call, or of the person whom its e-mail address found.
	User string `json:"user,omitempty"`
	// Show, Package and AddOns are the call's parameters; zero and nil where malformed, or where no
	// opcode read them.
	Show    int64   `json:"show,omitempty"`
	Package int64   `json:"package,omitempty"`
	AddOns  []int64 `json:"add_ons,omitempty"`
	// Added and Removed are the add-ons that the call added to and removed from the registration.
	Added   []int64 `json:"added,omitempty"`
	Removed []int64 `json:"removed,omitempty"`
	// Registered is set when the call made a registration, Moved when it changed a registration's
	// package.
	Registered bool `json:"registered,omitempty"`
	Moved      bool `json:"moved,omitempty"`
	// Persons counts the persons that the call created, Deleted those that it deleted, and Tickets the
	// login tickets that it made.
	Persons int `json:"persons,omitempty"`
	Deleted int `json:"deleted,omitempty"`
	Tickets int `json:"tickets,omitempty"`
	// Effect is set when the call changed a person or a registration.
	Effect bool `json:"effect"`
	// Status is the last opcode's status, "APICallResult …" where none ran, "CallFailed" for that root,
	// and empty where a fault struck first.
	Status string `json:"status,omitempty"`
	// Results are the statuses of the opcodes that ran, in order.
	Results []OpResult `json:"results,omitempty"`
	// Fault is the misbehaviour that the call met.
	Fault FaultKind `json:"-"`
	// Violations say in what the call violates the vendor's text. They name parameters and never
	// values.
	Violations []string `json:"violations,omitempty"`
}

// OpResult is one opcode's part of an answer.
type OpResult struct {
	OpCode string `json:"op_code"`
	Status int    `json:"status"`
}

// Journal returns the calls so far, in order.
func (s *Server) Journal() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]Call, len(s.calls))
	for i, c := range s.calls {
		calls[i] = *c
		calls[i].AddOns = slices.Clone(c.AddOns)
		calls[i].Added = slices.Clone(c.Added)
		calls[i].Removed = slices.Clone(c.Removed)
		calls[i].Results = slices.Clone(c.Results)
		calls[i].Violations = slices.Clone(c.Violations)
	}
	return calls
}

// WriteJournal writes the journal as lines of JSON, one for each call, with the fields of [Call] in
// snake case and the fault by its name. A user ID with an at sign is left out, since it may be an
// e-mail address. It returns w's error.
func (s *Server) WriteJournal(w io.Writer) error {
	lines := json.NewEncoder(w)
	for _, c := range s.Journal() {
		if strings.Contains(c.User, "@") {
			c.User = "(may be an e-mail address)"
		}
		line := struct {
			Call
			Fault string `json:"fault,omitempty"`
		}{Call: c}
		if c.Fault != None {
			line.Fault = c.Fault.String()
		}
		if err := lines.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// begin adds a call to the journal before it is carried out, so that the journal has calls that a fault
// stops too.
func (s *Server) begin(c Call) *Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Seq = len(s.calls) + 1
	c.Repeat = c.Key != "" && s.keys[c.Key]
	s.keys[c.Key] = true
	s.calls = append(s.calls, &c)
	return &c
}
