package notifiedtest

import (
	"fmt"
	"time"

	"github.com/amsbridge/amsbridge"
)

// Config says what the sandbox holds from the start.
type Config struct {
	// Accounts may call. At least one.
	Accounts []Account
	// Shows are the events of all areas.
	Shows []Show
	// ReAdd says what adding an add-on that is there already does; what the
	// platform does is unknown. Defaults to CountNew, a guess.
	ReAdd ReAdd
	// CurlyQuotes writes OpCodesInError between curly quotes in XML answers, as
	// the vendor's sample does. Defaults to false.
	CurlyQuotes bool
	// Now is the journal's clock. Defaults to time.Now.
	Now func() time.Time
}

// Account is a caller. Its credentials open one customer area only.
type Account struct {
	AuthCode    string // 1 to 80 bytes
	Credentials string // 1 to 80 bytes
	Area        string // the customer area
}

// Show is an event of one customer area.
type Show struct {
	Key      int64
	Area     string
	Packages []Package
}

// Package is what a person registers for.
type Package struct {
	Name   string
	AddOns []AddOn
}

// AddOn is an add-on item that belongs to a package; several packages may have
// it.
type AddOn struct {
	Key int64
	// RefersTo names another package that the item refers to. Opcode M refuses
	// such items. Empty for none.
	RefersTo string
}

// ReAdd says what adding an add-on that is there already does.
type ReAdd uint8

// Ways to answer a repeat.
const (
	// CountNew leaves the item out of AddOnsAdded.
	CountNew ReAdd = iota
	// CountAll counts it in AddOnsAdded like a new one.
	CountAll
	// RefusePresent refuses the opcode with [GuessStatusPresent]; nothing is
	// added.
	RefusePresent
)

func badField(problem, field string, args ...any) error {
	return &amsbridge.InputError{Field: "notifiedtest.Config." + fmt.Sprintf(field, args...), Problem: problem}
}

func (c Config) check() error {
	if len(c.Accounts) == 0 {
		return badField("is empty", "Accounts")
	}
	if c.ReAdd > RefusePresent {
		return badField("is not one of CountNew, CountAll and RefusePresent", "ReAdd")
	}
	areas, codes := map[string]bool{}, map[[2]string]bool{}
	for i, a := range c.Accounts {
		for _, f := range []struct {
			name, value string
			limit       int
		}{{"AuthCode", a.AuthCode, 80}, {"Credentials", a.Credentials, 80}, {"Area", a.Area, 255}} {
			if f.value == "" || len(f.value) > f.limit {
				return badField(fmt.Sprintf("is not 1 to %d bytes", f.limit), "Accounts[%d].%s", i, f.name)
			}
		}
		if codes[[2]string{a.AuthCode, a.Credentials}] {
			return badField("is there twice", "Accounts[%d]", i)
		}
		codes[[2]string{a.AuthCode, a.Credentials}] = true
		areas[a.Area] = true
	}
	shows := map[int64]bool{}
	for i, s := range c.Shows {
		switch {
		case s.Key <= 0:
			return badField("is not positive", "Shows[%d].Key", i)
		case shows[s.Key]:
			return badField("is there twice", "Shows[%d].Key", i)
		case !areas[s.Area]:
			return badField("is no account's", "Shows[%d].Area", i)
		}
		shows[s.Key] = true
		if err := s.check(i); err != nil {
			return err
		}
	}
	return nil
}

func (s Show) check(i int) error {
	names := map[string]bool{}
	for j, p := range s.Packages {
		if p.Name == "" || names[p.Name] {
			return badField("is empty or there twice", "Shows[%d].Packages[%d].Name", i, j)
		}
		names[p.Name] = true
	}
	for j, p := range s.Packages {
		keys := map[int64]bool{}
		for k, a := range p.AddOns {
			switch {
			case a.Key <= 0 || keys[a.Key]:
				return badField("is not positive or there twice", "Shows[%d].Packages[%d].AddOns[%d].Key", i, j, k)
			case a.RefersTo != "" && (a.RefersTo == p.Name || !names[a.RefersTo]):
				return badField("is not another package of the show", "Shows[%d].Packages[%d].AddOns[%d].RefersTo", i, j, k)
			}
			keys[a.Key] = true
		}
	}
	return nil
}
