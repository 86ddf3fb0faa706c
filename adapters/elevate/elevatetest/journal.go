package elevatetest

import (
	"cmp"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/faults"
)

// Call is one call to the Registration API, whatever its result. It holds no name and no e-mail
// address.
type Call struct {
	// Seq numbers the calls from 1, in the order in which they were read.
	Seq  int
	Time time.Time
	// Key is the header Amsbridge-Key, or empty.
	Key string
	// UserID and RemoteProductID are as sent; empty where they could not be read.
	UserID          amsbridge.UserID
	RemoteProductID string
	// Confirmation is set when a confirmation email was asked for.
	Confirmation bool
	// Effect is set when the call made a registration.
	Effect bool
	// Repeat is set when an earlier call had the same key.
	Repeat bool
	// Status is the HTTP status sent. Zero when the connection was cut instead, or while the answer is
	// still to come.
	Status int
	// Fault is the misbehaviour that the call met.
	Fault FaultKind
	// Violations say what is wrong with the call's form. They name fields and never values.
	Violations []string
	// Refusal is why a call was refused: its first violation, or that its product is not available. It
	// is empty for an accepted call, and for one that a fault stopped.
	Refusal string
}

// Registration is one person registered for one product.
type Registration struct {
	UserID          amsbridge.UserID
	RemoteProductID string
	ProductURL      string
	// Key is the key of the call that made it.
	Key  string
	Time time.Time
}

// Person is one row of Elevate's users.
type Person struct {
	// Number numbers the rows from 1, in the order in which they were made.
	Number int
	// User is as last updated.
	User amsbridge.User
	// Key is the key of the call that made the row.
	Key  string
	Time time.Time
}

// Mail is a confirmation email that Elevate would have sent.
type Mail struct {
	// Seq is the number of the call that asked for it.
	Seq             int
	To              string
	UserID          amsbridge.UserID
	RemoteProductID string
	ProductURL      string
}

// Journal returns all calls in order.
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

// Registrations returns all registrations in the order in which they were made. With
// [Config.UpsertDelay] one may appear twice.
func (s *Server) Registrations() []Registration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Registration
	for _, r := range s.registrations {
		all = append(all, r.Registration)
	}
	return all
}

// Persons returns all rows of persons in the order in which they were made. With [Config.UpsertDelay] a
// user ID may appear twice; calls update the first.
func (s *Server) Persons() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Person
	for _, p := range s.persons {
		all = append(all, *p)
	}
	return all
}

// PersonsOf returns how many rows of persons have the user ID; more than one is a duplicated person.
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

// Users returns all users as last updated, by ID. Of an ID that appears twice it returns the first row.
func (s *Server) Users() []amsbridge.User {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []amsbridge.User
	for _, p := range s.byUser {
		all = append(all, p.User)
	}
	return slices.SortedFunc(slices.Values(all), func(a, b amsbridge.User) int { return cmp.Compare(a.ID, b.ID) })
}

// Mails returns the confirmation emails in order. Each repeated call that asks for one makes another.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Reset clears journals, ledger, persons, registrations, mails, planned faults and the script. A call that is
// still running may leave its registration afterwards.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = newState()
}

// state is everything that Reset clears.
type state struct {
	journal       []*Call
	keys          map[string]bool
	persons       []*Person
	byUser        map[amsbridge.UserID]*Person // the first row of each ID
	registered    map[pairing]bool
	registrations []registration
	mails         []Mail
	ledger        []Effect
	asked         map[string]int // calls, by product
	plan          *faults.Plan
	reports       []*ReportCall
	reportPlan    *faults.Plan
}

// pairing is a person and a product that they are registered for.
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
