package elevatetest

import (
	"cmp"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/faults"
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
	// Effect is set when the call made a registration.
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

// Person is one row of Elevate's users.
type Person struct {
	// Number counts from 1, in the order in which rows were made.
	Number int
	// User is as last updated.
	User amsbridge.User
	// Key is that of the call which made the row.
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
// With [Config.UpsertDelay] one may stand there twice.
func (s *Server) Registrations() []Registration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Registration
	for _, r := range s.registrations {
		all = append(all, r.Registration)
	}
	return all
}

// Persons returns all rows of persons in the order in which they were made. With
// [Config.UpsertDelay] a user ID may stand there twice; calls update the first.
func (s *Server) Persons() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Person
	for _, p := range s.persons {
		all = append(all, *p)
	}
	return all
}

// PersonsOf returns how many rows of persons have the user ID: 1 where all is
// well.
func (s *Server) PersonsOf(id amsbridge.UserID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, p := range s.persons {
		if p.User.ID == id {
			n++
		}
	}
	return n
}

// Users returns all users as they were last updated, by ID; of one whose ID
// stands there twice, the row that was made first.
func (s *Server) Users() []amsbridge.User {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []amsbridge.User
	for _, p := range s.byUser {
		all = append(all, p.User)
	}
	return slices.SortedFunc(slices.Values(all), func(a, b amsbridge.User) int { return cmp.Compare(a.ID, b.ID) })
}

// Mails returns the confirmation emails in their order. A repeated call that
// asks for one makes one more.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Reset forgets journals, persons, registrations, mails, planned faults and the
// script. A call that is under way may still leave its registration.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = newState()
}

// state is all that Reset forgets.
type state struct {
	journal       []*Call
	keys          map[string]bool
	persons       []*Person
	byUser        map[amsbridge.UserID]*Person // the first of each
	registered    map[pairing]bool
	registrations []registration
	mails         []Mail
	asked         map[string]int // calls, by product
	plan          *faults.Plan
	reports       []*ReportCall
	reportPlan    *faults.Plan
}

// pairing is a person and the product that they are registered for.
type pairing struct {
	person  *Person
	product string
}

type registration struct {
	person *Person
	Registration
}

func newState() state {
	return state{
		keys: map[string]bool{}, byUser: map[amsbridge.UserID]*Person{}, registered: map[pairing]bool{},
		asked: map[string]int{}, plan: &faults.Plan{}, reportPlan: &faults.Plan{},
	}
}
