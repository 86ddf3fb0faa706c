package notifiedtest

import (
	"slices"
	"strconv"
)

// Show is an event of one customer area.
type Show struct {
	// Key is the ShowKey, 1 to 10^15.
	Key  int64
	Area string
	// Name is shown on the page that a login ticket opens. Defaults to "Show" and the key.
	Name     string
	Packages []Package
	// DisplayItems are the targets that a login ticket may lead to, such as "E123"; another one is
	// [StatusDisplayItemMissing]. Those of "E" and digits are the events that module 50540 lists. Defaults
	// to none.
	DisplayItems []string
	// Open says that the show does not require registration: T makes tickets for people who are not
	// registered, and K and A refuse to tell of a registration that they do not have, by
	// [GuessStatusNoRegistrationNeeded]. Defaults to false: they get [StatusNotRegistered], in T's case a guess.
	Open bool
}

// Package is what a person registers for.
type Package struct {
	// Key is the ShowPackageKey, unique within the show. Defaults to the show's key times 1,000 plus
	// the package's position in the list, from 1.
	Key  int64
	Name string // unique within the show
	// Capacity is how many registrations the package accepts over the API. Defaults to 0: no limit.
	Capacity int
	// Full and Closed refuse persons who are not registered for the package yet. They default to false.
	Full, Closed bool
	AddOns       []AddOn
}

// AddOn is an add-on item that belongs to a package; several packages may have
// it.
type AddOn struct {
	Key int64
	// RefersTo names another package that the item refers to; opcode M refuses such items. Empty for
	// none.
	RefersTo string
}

// maxShowKey leaves room for the default keys of packages.
const maxShowKey = 1_000_000_000_000_000

// showsWithKeys returns a copy in which every package has a key.
func showsWithKeys(shows []Show, hasArea func(string) bool) ([]Show, error) {
	shows = slices.Clone(shows)
	keys := map[int64]bool{}
	for i := range shows {
		s := &shows[i]
		switch {
		case s.Key <= 0 || s.Key > maxShowKey:
			return nil, badField("is not 1 to 10^15", "Shows[%d].Key", i)
		case keys[s.Key]:
			return nil, badField("is there twice", "Shows[%d].Key", i)
		case !hasArea(s.Area):
			return nil, badField("is no account's", "Shows[%d].Area", i)
		case slices.Contains(s.DisplayItems, ""):
			return nil, badField("holds an empty one", "Shows[%d].DisplayItems", i)
		}
		keys[s.Key] = true
		if s.Name == "" {
			s.Name = "Show " + strconv.FormatInt(s.Key, 10)
		}
		s.Packages = slices.Clone(s.Packages)
		for j := range s.Packages {
			if s.Packages[j].Key == 0 {
				s.Packages[j].Key = s.Key*1000 + int64(j) + 1
			}
		}
		if err := s.check(i); err != nil {
			return nil, err
		}
	}
	return shows, nil
}

func (s Show) check(i int) error {
	names, packages := map[string]bool{}, map[int64]bool{}
	for j, p := range s.Packages {
		switch {
		case p.Name == "" || names[p.Name]:
			return badField("is empty or there twice", "Shows[%d].Packages[%d].Name", i, j)
		case p.Key < 0 || packages[p.Key]:
			return badField("is negative or there twice", "Shows[%d].Packages[%d].Key", i, j)
		case p.Capacity < 0:
			return badField("is negative", "Shows[%d].Packages[%d].Capacity", i, j)
		}
		names[p.Name], packages[p.Key] = true, true
	}
	for j, p := range s.Packages {
		keys := map[int64]bool{}
		for k, a := range p.AddOns {
			switch {
			case a.Key <= 0 || keys[a.Key]:
				return badField("is not positive or there twice", "Shows[%d].Packages[%d].AddOns[%d].Key", i, j, k)
			case a.RefersTo != "" && (a.RefersTo == p.Name || !names[a.RefersTo]):
				return badField("is not another package of the show",
					"Shows[%d].Packages[%d].AddOns[%d].RefersTo", i, j, k)
			}
			keys[a.Key] = true
		}
	}
	return nil
}

// named returns the package with that name, and keyed the one with that key.
func (s Show) named(name string) (Package, bool) {
	return first(s.Packages, func(p Package) bool { return p.Name == name })
}

func (s Show) keyed(key int64) (Package, bool) {
	return first(s.Packages, func(p Package) bool { return p.Key == key })
}

func (p Package) find(key int64) (AddOn, bool) {
	return first(p.AddOns, func(a AddOn) bool { return a.Key == key })
}

// has tells whether any package of the show has the add-on.
func (s Show) has(key int64) bool {
	return slices.ContainsFunc(s.Packages, func(p Package) bool {
		_, ok := p.find(key)
		return ok
	})
}

func first[T any](all []T, is func(T) bool) (T, bool) {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i], true
	}
	var none T
	return none, false
}
