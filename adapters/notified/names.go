package notified

import (
	"cmp"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Names are names of parameters and outputs that the vendor's text for M does not give. Each default
// says where it comes from.
type Names struct {
	// ShowPackageParam names the package in R and r. Defaults to
	// "ShowPackageKey", which public code of others sends.
	ShowPackageParam string
	// ShowPackageOutput is the output of K with the package. Defaults to "ShowPackageKey", a guess.
	ShowPackageOutput string
	// AddOnOutput is the output of A with an add-on item, one row for each. Defaults to "AddOnItemKey",
	// a guess after M's text.
	AddOnOutput string
	// AddOnsRemovedOutput is the output of N with the count. Defaults to "AddOnsRemoved", a guess.
	AddOnsRemovedOutput string
	// LoginTicketOutput is the output of T with the ticket. Defaults to "LoginTicketKey", which public
	// code of others reads.
	LoginTicketOutput string
	// FirstNameParam and LastNameParam name the person's names in C, I and U. They default to
	// "FirstName" and "LastName", which public code of others sends.
	FirstNameParam, LastNameParam string
}

// DefaultNames returns the defaults of an empty [Names].
func DefaultNames() Names {
	return Names{
		ShowPackageParam: "ShowPackageKey", ShowPackageOutput: "ShowPackageKey", AddOnOutput: "AddOnItemKey",
		AddOnsRemovedOutput: "AddOnsRemoved", LoginTicketOutput: "LoginTicketKey",
		FirstNameParam: "FirstName", LastNameParam: "LastName",
	}
}

// WithDefaults returns the names with empty ones replaced by their defaults, or an
// [*amsbridge.InputError] that names the first one that is not of the form [A-Za-z0-9_]+, such as
// "Names.AddOnOutput".
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
