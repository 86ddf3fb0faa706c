package main

import (
	"fmt"
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

func (p *page) view(watch bool, wrong problem) (view, error) {
	s := p.platforms
	v := view{
		Watch: watch,
		Calls: s.calls(), Mails: s.mails(), Registrations: s.registrations(), People: s.people(),
	}
	persons, registrations := s.notified.Doubled()
	v.DuplicatesAtElevate, v.DuplicatesAtNotified = s.duplicatesAtElevate(), persons+registrations
	for _, platform := range []platformView{
		{
			Slug: atElevate, Name: "Elevate", API: s.base + registrationPath, Journal: atElevate,
			Facts: s.elevateFacts(),
		},
		{
			Slug: atNotified, Name: "Notified", API: s.base + notifiedPath, Journal: atNotified,
			Facts: s.notifiedFacts(),
		},
		{
			Slug: atReports, Name: "Elevate’s Report API", API: s.base + reportPath, Journal: atElevate,
			Facts: []string{"all registrations at Elevate, by the columns of the guessed profile"},
		},
	} {
		f := p.faults[platform.Slug]
		var err error
		if platform.Preset, platform.Seed, platform.Script, err = f.now(); err != nil {
			return view{}, err
		}
		platform.Script = typed(platform.Script)
		platform.Presets, platform.Faults = f.presets, "as the script says"
		for _, known := range f.presets {
			if known.Name == platform.Preset {
				platform.Faults = known.Label
			}
		}
		if wrong.Platform == platform.Slug {
			if platform.Problem, platform.InScript = wrong.Text, wrong.InScript; platform.InScript {
				platform.Script = typed(wrong.Script)
			}
		}
		v.Platforms = append(v.Platforms, platform)
	}
	return v, nil
}

func (s *sandboxes) elevateFacts() (facts []string) {
	facts = append(facts, "wire profile "+shown(s.cfg.profile.Name))
	for _, p := range s.cfg.Elevate.Products {
		fact := "Remote Product ID " + shown(p.RemoteProductID)
		if p.Draft || p.Closed {
			fact += ", in Draft or closed"
		}
		facts = append(facts, fact)
	}
	return facts
}

func (s *sandboxes) notifiedFacts() (facts []string) {
	for _, show := range s.cfg.Notified.Shows {
		for _, p := range show.Packages {
			var keys []int64
			for _, a := range p.AddOns {
				keys = append(keys, a.Key)
			}
			facts = append(facts, fmt.Sprintf("ShowKey %d, ShowPackageKey %d (%s), add-ons %s",
				show.Key, p.Key, shown(p.Name), list(keys)))
		}
	}
	return facts
}
