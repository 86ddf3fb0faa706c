package notifiedtest

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// User is a person of a customer area.
type User struct {
	// ID is the ExternalUserID: 1 to 255 bytes, unique within the area.
	ID    string
	Email string // at most 255 bytes
}

// Errors of the calls that prepare a sandbox.
var (
	ErrNoUser    = errors.New("notifiedtest: no such user in the area, or no valid ID")
	ErrNoArea    = errors.New("notifiedtest: no account has that area")
	ErrNoShow    = errors.New("notifiedtest: no such show")
	ErrNoPackage = errors.New("notifiedtest: the show has no such package")
)

// place is a person in an area.
type place struct{ area, user string }

// registration is a person's package and add-ons in one show.
type registration struct {
	pkg    string
	addOns map[int64]bool
}

// seat is a person in a show.
type seat struct {
	user string
	show int64
}

// AddUser adds a person to a customer area, or replaces the one with that ID.
// It returns [ErrNoArea] or [ErrNoUser] for what it cannot add.
func (s *Server) AddUser(area string, u User) error {
	if !slices.ContainsFunc(s.cfg.Accounts, func(a Account) bool { return a.Area == area }) {
		return ErrNoArea
	}
	if u.ID == "" || len(u.ID) > maxExternalUserID || len(u.Email) > maxEMailAddress {
		return ErrNoUser
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[place{area, u.ID}] = u
	return nil
}

// Register registers a person for a package of a show, or moves them to it;
// add-ons stay. It returns [ErrNoShow], [ErrNoPackage] or [ErrNoUser].
func (s *Server) Register(userID string, showKey int64, pkg string) error {
	show, ok := s.shows[showKey]
	if !ok {
		return ErrNoShow
	}
	if _, ok := show.find(pkg); !ok {
		return ErrNoPackage
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.users[place{show.Area, userID}]; !ok {
		return ErrNoUser
	}
	reg := s.registrations[seat{userID, showKey}]
	if reg.addOns == nil {
		reg.addOns = map[int64]bool{}
	}
	reg.pkg = pkg
	s.registrations[seat{userID, showKey}] = reg
	return nil
}

// AddOns returns the add-ons of a person's registration in numeric order; none
// where there is no registration.
func (s *Server) AddOns(userID string, showKey int64) []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.registrations[seat{userID, showKey}].addOns))
}

// lookup finds a person as the call asks: by ExternalUserID, or by e-mail
// without regard to case (a guess). s.mu is held.
func (s *Server) lookup(area string, p params) (User, bool) {
	if p["LookupByExternalUserID"] == "1" {
		u, ok := s.users[place{area, p["ExternalUserID"]}]
		return u, ok
	}
	for at, u := range s.users {
		if at.area == area && u.Email != "" && strings.EqualFold(u.Email, p["EMailAddress"]) {
			return u, true
		}
	}
	return User{}, false
}

func (s Show) find(pkg string) (Package, bool) {
	i := slices.IndexFunc(s.Packages, func(p Package) bool { return p.Name == pkg })
	if i < 0 {
		return Package{}, false
	}
	return s.Packages[i], true
}

func (p Package) find(key int64) (AddOn, bool) {
	i := slices.IndexFunc(p.AddOns, func(a AddOn) bool { return a.Key == key })
	if i < 0 {
		return AddOn{}, false
	}
	return p.AddOns[i], true
}

// has tells whether any package of the show has the add-on.
func (s Show) has(key int64) bool {
	return slices.ContainsFunc(s.Packages, func(p Package) bool {
		_, ok := p.find(key)
		return ok
	})
}
