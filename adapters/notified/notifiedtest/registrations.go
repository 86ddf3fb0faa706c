package notifiedtest

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
)

// Registration is one person registered for one show.
type Registration struct {
	// ID is the sandbox's own ID, from 1 in the order in which registrations were made.
	ID     int64
	Area   string
	Person Person
	Show   int64
	// Package and PackageKey are those of the show's package.
	Package    string
	PackageKey int64
	AddOns     []int64 // in numeric order
}

// registration exists for calls only from the nth call about its person and show on; from is that n.
type registration struct {
	id     int64
	person *person
	show   int64
	pkg    int64
	addOns map[int64]bool
	late
}

func (r *registration) sortedAddOns() []int64 { return slices.Sorted(maps.Keys(r.addOns)) }

// personAtShow is what registrations are found by: a person's key and a show.
type personAtShow struct{ person, show int64 }

// Register registers a person for a package of a show, or moves them to it; full and closed packages
// accept them too, and add-ons stay. It returns [ErrNoShow], [ErrNoPackage] or [ErrNoUser].
func (s *Server) Register(userID string, showKey int64, pkg string) error {
	return s.RegisterLater(userID, showKey, pkg, 0)
}

// RegisterLater is [Server.Register] for a registration that appears at the nth call about that person
// and show; until then calls get [StatusNotRegistered]. It counts the calls that were carried out, even
// those that did not find the person. R and r make the registration appear at once.
func (s *Server) RegisterLater(userID string, showKey int64, pkg string, nth int) error {
	show, ok := s.shows[showKey]
	if !ok {
		return ErrNoShow
	}
	into, ok := show.named(pkg)
	if !ok {
		return ErrNoPackage
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.withID(show.Area, userID)
	if p == nil {
		return ErrNoUser
	}
	at := personAtShow{p.Key, showKey}
	if len(s.byShow[at]) == 0 {
		s.enter(p, showKey)
	}
	s.byShow[at][0].pkg, s.byShow[at][0].late = into.Key, late{from: nth}
	return nil
}

// Registrations returns the registrations of an area in the order in which they were made, duplicates
// included, and those that have not appeared yet left out.
func (s *Server) Registrations(area string) []Registration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Registration
	for _, r := range s.registrations {
		if r.person.area != area || !r.present() {
			continue
		}
		pkg, _ := s.shows[r.show].keyed(r.pkg)
		all = append(all, Registration{
			ID: r.id, Area: area, Person: r.person.Person, Show: r.show, Package: pkg.Name, PackageKey: r.pkg,
			AddOns: r.sortedAddOns(),
		})
	}
	slices.SortFunc(all, func(a, b Registration) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// AddOns returns the add-ons of a person's registration in numeric order; none
// where there is no registration.
func (s *Server) AddOns(userID string, showKey int64) []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.withID(s.shows[showKey].Area, userID); p != nil {
		if found := s.byShow[personAtShow{p.Key, showKey}]; len(found) > 0 {
			return found[0].sortedAddOns()
		}
	}
	return nil
}

// enter makes a registration without a package. s.mu must be held.
func (s *Server) enter(p *person, showKey int64) *registration {
	s.lastRegistration++
	r := &registration{id: s.lastRegistration, person: p, show: showKey, addOns: map[int64]bool{}}
	s.registrations = append(s.registrations, r)
	s.byShow[personAtShow{p.Key, showKey}] = append(s.byShow[personAtShow{p.Key, showKey}], r)
	return r
}

// registered returns the oldest registration that has appeared, or nil. s.mu must be held.
func (s *Server) registered(at personAtShow) *registration {
	for _, r := range s.byShow[at] {
		if r.present() {
			return r
		}
	}
	return nil
}

// taken counts the registrations of a package. s.mu must be held.
func (s *Server) taken(showKey, pkg int64) int {
	n := 0
	for _, r := range s.registrations {
		if r.show == showKey && r.pkg == pkg && r.present() {
			n++
		}
	}
	return n
}

// register is opcode R, for persons who are not registered yet, and registerOrMove is r. Their outputs
// are unknown; here they have none.
func (r *run) register() opAnswer       { return r.enter(false) }
func (r *run) registerOrMove() opAnswer { return r.enter(true) }

// enter makes its checks in an order that is a guess. Whether add-ons survive a move to another package
// is unknown; here they do. Public code of others calls R without a package: that it then takes the first one of
// the show is a guess.
func (r *run) enter(move bool) opAnswer {
	key, ok := digits(r.params[r.server.cfg.Names.ShowPackageParam])
	if _, named := r.params[r.server.cfg.Names.ShowPackageParam]; named && !ok {
		return r.badParameter("%s is not digits", r.server.cfg.Names.ShowPackageParam)
	}
	if !slices.Contains([]string{"", "0", "1"}, r.params["TriggerRegistrationEvents"]) {
		return r.badParameter("TriggerRegistrationEvents is not 0 or 1")
	}
	r.note.Package = key
	at, bad := r.find()
	if bad.status != StatusOK {
		return bad
	}
	if key == 0 && at.registration != nil {
		key = at.registration.pkg
	} else if key == 0 && len(at.show.Packages) > 0 {
		key = at.show.Packages[0].Key
	}
	r.note.Package = key
	pkg, ok := at.show.keyed(key)
	switch {
	case !ok:
		return refusal(GuessStatusNoPackage, "Package Not Found!")
	case at.registration != nil && !move:
		return refusal(StatusAlreadyRegistered, "User Already Registered!")
	case at.registration != nil && at.registration.pkg == key:
		return accepted("")
	case pkg.Closed:
		return refusal(GuessStatusClosed, "Package Closed!")
	case pkg.Full || pkg.Capacity > 0 && r.server.taken(at.show.Key, key) >= pkg.Capacity:
		return refusal(GuessStatusFull, "Package Full!")
	}
	r.pause()
	switch {
	case at.person.gone:
		return refusal(StatusUserNotFound, "User Not Found!")
	case at.registration == nil:
		at.registration = r.take(at)
		r.note.Registered = true
		r.record(at.registration, 0, false)
	default:
		r.note.Moved = true
	}
	at.registration.pkg = key
	r.note.Effect = true
	return accepted("")
}

// take returns the registration that was to appear later, or makes a new one.
func (r *run) take(at found) *registration {
	for _, reg := range r.server.byShow[personAtShow{at.person.Key, at.show.Key}] {
		if !reg.present() {
			reg.late = late{}
			return reg
		}
	}
	return r.server.enter(at.person, at.show.Key)
}

// needsNoRegistration is what K and A answer where nobody needs one and the person has none. That they fail then
// is known from public pages, their status is not.
var needsNoRegistration = refusal(GuessStatusNoRegistrationNeeded, "Show Does Not Require Registration!")

// packageOf is opcode K.
func (r *run) packageOf() opAnswer {
	at, bad := r.findRegistered()
	switch {
	case bad.status == StatusNotRegistered && at.show.Open:
		return needsNoRegistration
	case bad.status != StatusOK:
		return bad
	}
	return accepted(r.server.cfg.Names.ShowPackageOutput, strconv.FormatInt(at.registration.pkg, 10))
}

// registrationID is opcode Z.
func (r *run) registrationID() opAnswer {
	at, bad := r.findRegistered()
	if bad.status != StatusOK {
		return bad
	}
	return accepted(r.server.cfg.RegistrationIDOutput, strconv.FormatInt(at.registration.id, 10))
}
