package notifiedtest

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// User is a person of a customer area, as a shop knows them.
type User struct {
	// ID is the ExternalUserID: at most 255 bytes, and meant to be unique within the area. Empty for a
	// person whom a call created with an e-mail address only.
	ID                  string
	Email               string // at most 255 bytes
	FirstName, LastName string
}

// Person is a person in the sandbox. Two persons with one ID are a duplicate: see [Config.UpsertDelay].
type Person struct {
	// Key is the sandbox's own key, from 1 in the order in which persons were made.
	Key int64
	User
}

// Errors of the calls that prepare a sandbox.
var (
	ErrNoUser    = errors.New("notifiedtest: no such user in the area, or no valid ID")
	ErrNoArea    = errors.New("notifiedtest: no account has that area")
	ErrNoShow    = errors.New("notifiedtest: no such show")
	ErrNoPackage = errors.New("notifiedtest: the show has no such package")
)

// lookUp is what a person of an area is found by: an ExternalUserID, or an e-mail address in lower
// case.
type lookUp struct{ area, value string }

// person exists for calls only from the nth call about them on; from is that n.
type person struct {
	Person
	area string
	late
	gone bool // deleted, or cleared by Reset
}

// late hides a person or registration until the nth call about it.
type late struct{ from, calls int }

func (l late) present() bool { return l.calls >= l.from }

// AddUser adds a person to a customer area, or replaces the one with that ID.
// It returns [ErrNoArea] or [ErrNoUser] for what it cannot add.
func (s *Server) AddUser(area string, u User) error { return s.AddUserLater(area, u, 0) }

// AddUserLater is [Server.AddUser] for a person who appears at the nth call about them; until then
// look-ups answer [StatusUserNotFound]. It counts the calls that were carried out with that ID or
// e-mail address. C and I make the person appear at once.
func (s *Server) AddUserLater(area string, u User, nth int) error {
	if !s.cfg.hasArea(area) {
		return ErrNoArea
	}
	if u.ID == "" || len(u.ID) > maxExternalUserID || len(u.Email) > maxEMailAddress {
		return ErrNoUser
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.withID(area, u.ID)
	if p == nil {
		p = s.insert(area)
	}
	s.change(p, u)
	p.late = late{from: nth}
	return nil
}

// Persons returns the persons of an area in the order in which they were made, duplicates included, and
// those who have not appeared yet left out.
func (s *Server) Persons(area string) []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Person
	for _, p := range s.people {
		if p.area == area && p.present() {
			all = append(all, p.Person)
		}
	}
	return all
}

// Doubled counts the duplicates of all areas: the persons after the first with one ExternalUserID (or
// one e-mail address where there is no ID), and the registrations after the first of one such person
// for one show. Those that have not appeared yet do not count.
func (s *Server) Doubled() (persons, registrations int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	type identity struct{ area, id, email string }
	type identityAtShow struct {
		identity
		show int64
	}
	of := func(p *person) identity {
		if p.ID != "" {
			return identity{area: p.area, id: p.ID}
		}
		return identity{area: p.area, email: fold(p.Email)}
	}
	people, registered := map[identity]int{}, map[identityAtShow]int{}
	for _, p := range s.people {
		if p.present() {
			people[of(p)]++
		}
	}
	for _, r := range s.registrations {
		if r.present() {
			registered[identityAtShow{of(r.person), r.show}]++
		}
	}
	for _, n := range people {
		persons += n - 1
	}
	for _, n := range registered {
		registrations += n - 1
	}
	return persons, registrations
}

// asked returns all persons whom a call is about, those who have not appeared yet included: by
// ExternalUserID, or by e-mail address without regard to case (a guess). s.mu must be held.
func (s *Server) asked(area string, p params) []*person {
	if p["LookupByExternalUserID"] == "1" {
		return s.byID[lookUp{area, p["ExternalUserID"]}]
	}
	return s.byEmail[lookUp{area, fold(p["EMailAddress"])}]
}

// withID returns the first person with an ID, whether or not they have appeared. s.mu must be held.
func (s *Server) withID(area, id string) *person {
	if found := s.byID[lookUp{area, id}]; len(found) > 0 {
		return found[0]
	}
	return nil
}

// insert makes a person without an ID. s.mu must be held.
func (s *Server) insert(area string) *person {
	s.lastPerson++
	p := &person{Person: Person{Key: s.lastPerson}, area: area}
	s.people = append(s.people, p)
	return p
}

// change replaces a person's data. s.mu must be held.
func (s *Server) change(p *person, u User) {
	s.unindex(p)
	p.User = u
	if u.ID != "" {
		s.byID[lookUp{p.area, u.ID}] = append(s.byID[lookUp{p.area, u.ID}], p)
	}
	if at := (lookUp{p.area, fold(u.Email)}); u.Email != "" {
		s.byEmail[at] = append(s.byEmail[at], p)
	}
	byKey := func(a, b *person) int { return cmp.Compare(a.Key, b.Key) } // so that the oldest is found first
	slices.SortFunc(s.byID[lookUp{p.area, u.ID}], byKey)
	slices.SortFunc(s.byEmail[lookUp{p.area, fold(u.Email)}], byKey)
}

// remove deletes a person and their registrations. s.mu must be held.
func (s *Server) remove(p *person) {
	p.gone = true
	s.unindex(p)
	s.people = slices.DeleteFunc(s.people, func(q *person) bool { return q == p })
	s.registrations = slices.DeleteFunc(s.registrations, func(r *registration) bool { return r.person == p })
}

func (s *Server) unindex(p *person) {
	is := func(q *person) bool { return q == p }
	id, email := lookUp{p.area, p.ID}, lookUp{p.area, fold(p.Email)}
	s.byID[id] = slices.DeleteFunc(s.byID[id], is)
	s.byEmail[email] = slices.DeleteFunc(s.byEmail[email], is)
}

func fold(email string) string { return strings.ToLower(email) }
