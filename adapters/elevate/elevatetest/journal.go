package elevatetest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/internal/faults"
)

// Call is one call to the Registration API, whatever came of it. It holds no
// name and no e-mail address.
type Call struct {
	// Seq counts from 1, in the order in which calls were read.
	Seq  int
	Time time.Time
	// Key is the header Amsbridge-Key; empty without one.
	Key string
	// UserID and RemoteProductID are as sent; empty where they were not read.
	UserID          amsbridge.UserID
	RemoteProductID string
	// Confirmation is set when a confirmation email was asked for.
	Confirmation bool
	// Effect is set when the call registered somebody who was not registered for
	// that product before.
	Effect bool
	// Repeat is set when an earlier call had the same key.
	Repeat bool
	// Status is the HTTP status sent. Zero when the connection was cut instead,
	// or while the answer is awaited.
	Status int
	// Fault is the misbehaviour that the call met.
	Fault FaultKind
	// Violations say what is wrong with the call's form, naming fields and never
	// values.
	Violations []string
	// Refusal is why a call that was carried out was turned down: its first
	// violation, or that its product is not to be had. Empty where it was not.
	Refusal string
}

// Registration is one person registered for one product.
type Registration struct {
	UserID          amsbridge.UserID
	RemoteProductID string
	ProductURL      string
	// Key is that of the call which made it.
	Key  string
	Time time.Time
}

// Mail is a confirmation email that Elevate would have sent.
type Mail struct {
	// Seq is that of the call which asked for it.
	Seq             int
	To              string
	UserID          amsbridge.UserID
	RemoteProductID string
	ProductURL      string
}

// Journal returns all calls in their order.
func (s *Server) Journal() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]Call, len(s.journal))
	for i, c := range s.journal {
		calls[i] = *c
		calls[i].Violations = slices.Clone(c.Violations)
	}
	return calls
}

// Registrations returns all registrations in the order in which they were made.
func (s *Server) Registrations() []Registration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.registrations)
}

// Users returns all users as they were last updated, by ID.
func (s *Server) Users() []amsbridge.User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.users), func(a, b amsbridge.User) int { return cmp.Compare(a.ID, b.ID) })
}

// Mails returns the confirmation emails in their order. A repeated call that
// asks for one makes one more.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Reset forgets journals, users, registrations, mails and planned faults. A call
// that is under way may still leave its registration.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = newState()
}

// state is all that Reset forgets.
type state struct {
	journal       []*Call
	keys          map[string]bool
	users         map[amsbridge.UserID]amsbridge.User
	registered    map[place]bool
	registrations []Registration
	mails         []Mail
	plan          *faults.Plan
	reports       []*ReportCall
	reportPlan    *faults.Plan
}

type place struct {
	user    amsbridge.UserID
	product string
}

func newState() state {
	return state{
		keys: map[string]bool{}, users: map[amsbridge.UserID]amsbridge.User{},
		registered: map[place]bool{}, plan: &faults.Plan{}, reportPlan: &faults.Plan{},
	}
}
