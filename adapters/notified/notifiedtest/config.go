package notifiedtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/internal/check"
)

// Names are names of parameters and outputs that the vendor's text for M does not give; see
// [notified.Names].
type Names = notified.Names

// Config says what the sandbox holds at the start.
type Config struct {
	// Accounts are the callers that the sandbox accepts. At least one.
	Accounts []Account
	// Shows are the events of all areas.
	Shows []Show
	// Names are names that are guesses or known only from public code. Empty ones default to
	// [notified.DefaultNames].
	Names Names
	// RegistrationIDOutput is Z's output. Defaults to "RegistrationID", a guess.
	RegistrationIDOutput string
	// ExtraParams are further parameters that every opcode accepts and ignores, for clients that send
	// some that are not public. Defaults to none: an unknown parameter is a violation.
	ExtraParams []string
	// ReAdd says what happens when an add-on is added that is there already; what the platform does is
	// unknown. Defaults to CountNew, a guess.
	ReAdd ReAdd
	// UpsertDelay makes C, I, R and r slow and not atomic: between their look-up and their write other
	// calls run for that long. Two calls at once for one new person then make two persons, or two
	// registrations. Defaults to 0: one call at a time.
	UpsertDelay time.Duration
	// CurlyQuotes writes OpCodesInError between curly quotes in XML answers, as
	// the vendor's sample does. Defaults to false.
	CurlyQuotes bool
	// EncodeText percent-encodes the texts of XML answers, messages and diagnostics included, as the
	// platform sometimes does. Defaults to false.
	EncodeText bool
	// BlankLines writes T answers as on the vendor's page: with a blank line between the others, and LF
	// line ends. Defaults to false: CRLF and no blank lines, since public code of others takes the
	// ticket from the fourth line.
	BlankLines bool
	// Now is the clock of journal and tickets. Defaults to time.Now.
	Now func() time.Time
}

// Account is a caller. Its credentials open one customer area only.
type Account struct {
	AuthCode    string // 1 to 80 bytes
	Credentials string // 1 to 80 bytes
	Area        string // the customer area
}

// ReAdd says what happens when an add-on is added that is there already.
type ReAdd uint8

// Ways to answer a repeat.
const (
	// CountNew does not count the item in AddOnsAdded.
	CountNew ReAdd = iota
	// CountAll counts the item in AddOnsAdded like a new one.
	CountAll
	// RefusePresent refuses the opcode with [GuessStatusPresent]; nothing is
	// added.
	RefusePresent
)

func badField(problem, field string, args ...any) error {
	return check.Bad("notifiedtest", "Config."+fmt.Sprintf(field, args...), problem)
}

// withDefaults fills in the defaults and checks the configuration.
func (c Config) withDefaults() (Config, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	c.RegistrationIDOutput = cmp.Or(c.RegistrationIDOutput, "RegistrationID")
	names, err := c.Names.WithDefaults()
	if bad, ok := errors.AsType[*check.InputError](err); ok {
		return c, badField(bad.Problem, "%s", bad.Field)
	}
	c.Names = names
	for i, name := range c.ExtraParams {
		if !isName(name) {
			return c, badField("is not 1 to 40 of [A-Za-z0-9_]", "ExtraParams[%d]", i)
		}
	}
	switch {
	case !isName(c.RegistrationIDOutput):
		return c, badField("is not 1 to 40 of [A-Za-z0-9_]", "RegistrationIDOutput")
	case c.UpsertDelay < 0:
		return c, badField("is negative", "UpsertDelay")
	case c.ReAdd > RefusePresent:
		return c, badField("is not one of CountNew, CountAll and RefusePresent", "ReAdd")
	}
	if err := c.checkAccounts(); err != nil {
		return c, err
	}
	c.Shows, err = showsWithKeys(c.Shows, c.hasArea)
	return c, err
}

func (c Config) checkAccounts() error {
	if len(c.Accounts) == 0 {
		return badField("is empty", "Accounts")
	}
	codes := map[[2]string]bool{}
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
	}
	return nil
}

func (c Config) hasArea(area string) bool {
	return slices.ContainsFunc(c.Accounts, func(a Account) bool { return a.Area == area })
}
