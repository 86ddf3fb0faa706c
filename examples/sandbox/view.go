package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
)

// The page's limits: rows in a table, and characters of a text from outside.
const (
	maxRows = 200
	maxText = 100
)

// view is what the page shows. All texts in it are inert, and the template
// escapes them.
type view struct {
	Watch         bool
	Platforms     []platformView
	Calls         rows[callView]
	Mails         rows[mailView]
	Registrations rows[registrationView]
	People        rows[personView]
	// How many persons and registrations there are beyond the first of their kind.
	DuplicatesAtElevate, DuplicatesAtNotified int
}

// rows are the latest of a list, the newest first.
type rows[T any] struct {
	Shown []T
	Total int
}

// Cut tells whether there are more than are shown.
func (r rows[T]) Cut() bool { return r.Total > len(r.Shown) }

// platformView is one platform's part of the page.
type platformView struct {
	Slug, Name string
	API        string // the address
	Journal    string // the name of the journal that its calls are in
	Facts      []string
	Presets    []preset
	Preset     string // its name, or ownScript
	Faults     string // what they are, in words
	Seed       uint64
	Script     string
	Problem    string // with the form that was just sent; empty without one
	InScript   bool   // the problem is the script's
}

// mailView is a confirmation email that Elevate would have sent.
type mailView struct {
	Seq               int
	To, Person        string
	Product, Location string
}

// registrationView is a person registered for a product at Elevate.
type registrationView struct {
	Time                           time.Time
	Person, Name, Product, Address string
}

// personView is a person at Notified.
type personView struct {
	Area, Person  string
	Registrations []string
}

func (p *page) view(watch bool, wrong problem) (view, error) {
	s := p.platforms
	v := view{
		Watch: watch,
		Calls: s.calls(), Mails: s.mails(), Registrations: s.registrations(), People: s.people(),
	}
	persons, registrations := s.notified.Doubled()
	v.DuplicatesAtElevate, v.DuplicatesAtNotified = s.duplicatesAtElevate(), persons+registrations
	for _, platform := range []platformView{
		{Slug: atElevate, Name: "Elevate", API: s.base + registrationPath, Journal: atElevate, Facts: s.elevateFacts()},
		{Slug: atNotified, Name: "Notified", API: s.base + notifiedPath, Journal: atNotified, Facts: s.notifiedFacts()},
		{Slug: atReports, Name: "Elevate’s Report API", API: s.base + reportPath, Journal: atElevate, Facts: s.reportFacts()},
	} {
		f := p.faults[platform.Slug]
		var err error
		if platform.Preset, platform.Seed, platform.Script, err = f.now(); err != nil {
			return view{}, err
		}
		platform.Presets, platform.Faults = f.presets, "as the script says"
		for _, known := range f.presets {
			if known.Name == platform.Preset {
				platform.Faults = known.Label
			}
		}
		if wrong.Platform == platform.Slug {
			if platform.Problem, platform.InScript = wrong.Text, wrong.InScript; platform.InScript {
				platform.Script = wrong.Script
			}
		}
		v.Platforms = append(v.Platforms, platform)
	}
	return v, nil
}

func (s *sandboxes) elevateFacts() (facts []string) {
	facts = append(facts, "wire profile "+inert(s.cfg.profile.Name, maxText))
	for _, p := range s.cfg.Elevate.Products {
		fact := "Remote Product ID " + inert(p.RemoteProductID, maxText)
		if p.Draft || p.Closed {
			fact += ", in Draft or closed"
		}
		facts = append(facts, fact)
	}
	return facts
}

func (s *sandboxes) reportFacts() []string {
	return []string{"all registrations at Elevate, by the columns of the guessed profile"}
}

func (s *sandboxes) notifiedFacts() (facts []string) {
	for _, show := range s.cfg.Notified.Shows {
		for _, p := range show.Packages {
			var keys []int64
			for _, a := range p.AddOns {
				keys = append(keys, a.Key)
			}
			facts = append(facts, fmt.Sprintf("ShowKey %d, ShowPackageKey %d (%s), add-ons %s", show.Key, p.Key, inert(p.Name, maxText), list(keys)))
		}
	}
	return facts
}

func (s *sandboxes) mails() rows[mailView] {
	return each(s.elevate.Mails(), func(m elevatetest.Mail) mailView {
		return mailView{m.Seq, inert(m.To, maxText), inert(string(m.UserID), maxText), inert(m.RemoteProductID, maxText), m.ProductURL}
	})
}

func (s *sandboxes) registrations() rows[registrationView] {
	names := map[string]string{}
	for _, u := range s.elevate.Users() {
		names[string(u.ID)] = inert(u.FirstName+" "+u.LastName, maxText)
	}
	return each(s.elevate.Registrations(), func(r elevatetest.Registration) registrationView {
		id := string(r.UserID)
		return registrationView{r.Time, inert(id, maxText), names[id], inert(r.RemoteProductID, maxText), r.ProductURL}
	})
}

func (s *sandboxes) duplicatesAtElevate() int {
	type row struct{ user, product string }
	seen, all := map[row]bool{}, 0
	for _, p := range s.elevate.Persons() {
		seen[row{user: string(p.User.ID)}] = true
		all++
	}
	for _, r := range s.elevate.Registrations() {
		seen[row{string(r.UserID), r.RemoteProductID}] = true
		all++
	}
	return all - len(seen)
}

// people are those that Notified knows, area by area.
func (s *sandboxes) people() rows[personView] {
	var all []personView
	for _, a := range s.areas() {
		of := map[int64][]string{}
		for _, r := range s.notified.Registrations(a) {
			text := fmt.Sprintf("show %d, %s", r.Show, inert(r.Package, maxText))
			if len(r.AddOns) > 0 {
				text += ", add-ons " + list(r.AddOns)
			}
			of[r.Person.Key] = append(of[r.Person.Key], text)
		}
		for _, p := range s.notified.Persons(a) {
			all = append(all, personView{inert(a, maxText), inert(p.ID, maxText), of[p.Key]})
		}
	}
	return latest(all)
}

// areas are those of the accounts, each once.
func (s *sandboxes) areas() (areas []string) {
	for _, a := range s.cfg.Notified.Accounts {
		if !slices.Contains(areas, a.Area) {
			areas = append(areas, a.Area)
		}
	}
	return areas
}

// latest returns the last rows of a journal, the newest first.
func latest[T any](all []T) rows[T] {
	shown := slices.Clone(all[max(0, len(all)-maxRows):])
	slices.Reverse(shown)
	return rows[T]{shown, len(all)}
}

func each[T, V any](all []T, show func(T) V) rows[V] {
	last := latest(all)
	r := rows[V]{Total: last.Total}
	for _, t := range last.Shown {
		r.Shown = append(r.Shown, show(t))
	}
	return r
}

func inertAll(texts []string) (all []string) {
	for _, t := range texts {
		all = append(all, inert(t, maxText))
	}
	return all
}

// list writes the first of some keys.
func list(keys []int64) string {
	var texts []string
	for _, k := range keys[:min(len(keys), 20)] {
		texts = append(texts, strconv.FormatInt(k, 10))
	}
	if len(keys) > len(texts) {
		texts = append(texts, fmt.Sprintf("and %d more", len(keys)-len(texts)))
	}
	return strings.Join(texts, ", ")
}
