package notified

import (
	"cmp"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Names are parameters and outputs of opcodes other than M. The vendor's text
// for M, which this package was given, does not name them: each is a setting,
// and its default says where it comes from.
type Names struct {
	// ShowPackageParam names the package in R and r. Defaults to
	// "ShowPackageKey", which public code of others sends.
	ShowPackageParam string
	// ShowPackageOutput is the package in K's output. Defaults to
	// "ShowPackageKey", a guess.
	ShowPackageOutput string
	// AddOnOutput is an add-on item in A's output, one row for each. Defaults to
	// "AddOnItemKey", a guess after M's text.
	AddOnOutput string
	// AddOnsRemovedOutput is the count in N's output. Defaults to
	// "AddOnsRemoved", a guess.
	AddOnsRemovedOutput string
	// LoginTicketOutput is the ticket in T's output. Defaults to
	// "LoginTicketKey", which public code of others reads.
	LoginTicketOutput string
	// FirstNameParam and LastNameParam are the person's in C, I and U. Default to
	// "FirstName" and "LastName", which public code of others sends.
	FirstNameParam, LastNameParam string
}

// DefaultNames returns the names that an empty [Names] stands for.
func DefaultNames() Names {
	return Names{
		ShowPackageParam: "ShowPackageKey", ShowPackageOutput: "ShowPackageKey", AddOnOutput: "AddOnItemKey",
		AddOnsRemovedOutput: "AddOnsRemoved", LoginTicketOutput: "LoginTicketKey",
		FirstNameParam: "FirstName", LastNameParam: "LastName",
	}
}

// WithDefaults returns the names with gaps filled, or an [*amsbridge.InputError] that names the first one
// that is not of the form [A-Za-z0-9_]+, such as "Names.AddOnOutput".
func (n Names) WithDefaults() (Names, error) {
	defaults := DefaultNames()
	for _, f := range []struct {
		field     string
		name      *string
		byDefault string
	}{
		{"ShowPackageParam", &n.ShowPackageParam, defaults.ShowPackageParam},
		{"ShowPackageOutput", &n.ShowPackageOutput, defaults.ShowPackageOutput},
		{"AddOnOutput", &n.AddOnOutput, defaults.AddOnOutput},
		{"AddOnsRemovedOutput", &n.AddOnsRemovedOutput, defaults.AddOnsRemovedOutput},
		{"LoginTicketOutput", &n.LoginTicketOutput, defaults.LoginTicketOutput},
		{"FirstNameParam", &n.FirstNameParam, defaults.FirstNameParam},
		{"LastNameParam", &n.LastNameParam, defaults.LastNameParam},
	} {
		*f.name = cmp.Or(*f.name, f.byDefault)
		if strings.ContainsFunc(*f.name, notInName) {
			return n, check.Bad("notified", "Names."+f.field, "is not of the form [A-Za-z0-9_]+")
		}
	}
	return n, nil
}

func notInName(r rune) bool {
	return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_'
}
