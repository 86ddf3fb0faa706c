package notified

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/check"
)

// Sizes of OpCodeList and EMailAddress in the vendor's text. That names may be as long as EMailAddress
// is a guess.
const (
	maxOpCodes     = 20
	maxProfileText = 255
)

// Person is the person whom a call is about. UserID finds them, or Email where [Config].LookupByEmail
// is set. C, I and U need Email, FirstName and LastName; no other call sends a name.
type Person struct {
	UserID                     amsbridge.UserID
	Email, FirstName, LastName string
}

// Chain is several opcodes in one call, which run from left to right. That M, N and A chain with others
// is a guess; "CrT" is known from public code.
type Chain struct {
	// OpCodes are 1 to 20 letters of A, C, I, K, M, N, R, T, U, Z and r. They are case-sensitive: R
	// registers, r registers or moves to another package. D is refused, since it deletes the whole
	// user.
	OpCodes string
	// Person is the person whom all opcodes are about.
	Person Person
	// ShowKey is needed by all but C, I and U.
	ShowKey int64
	// ShowPackageKey is needed by R and r.
	ShowPackageKey int64
	// AddOnKeys are added by M and removed by N, each once. As a list they take at most 8,000 bytes.
	AddOnKeys []int64
}

// Step is the result of one opcode of a call.
type Step struct {
	// OpCode is the opcode's letter.
	OpCode string
	// Status is the platform's status: 0 for success.
	Status int
	// Message is the platform's message, at most 1,000 bytes, scrubbed of secrets and personal data.
	Message string
	// AddOnsChanged is how many add-ons M added or N removed.
	AddOnsChanged int
	// AddOns are the keys that A lists, in numeric order, each once.
	AddOns []int64
	// ShowPackageKey is the package in K's answer.
	ShowPackageKey int64
	// RegistrationID is Z's one output, whatever its name. That Z has no other output is a guess.
	RegistrationID string
	// Ticket is T's login ticket.
	Ticket Ticket
}

// Chain makes one call of several opcodes and returns the result of each that ran, matched by position.
// It sends once.
//
// The platform may stop at an opcode that it refuses. Chain then returns the steps that ran, the
// refused one last, with an error that says where it stopped: the earlier steps have taken effect. The
// same holds for a step whose outputs cannot be read. Where the whole reply cannot be read, or names
// other opcodes than were sent, there are no steps, and it is unknown what took effect.
//
// The error is an [*outbox.DeliveryError]. It is rejected for a bad field, such as "Chain.ShowKey" or
// "Person.Email", which its [*amsbridge.InputError] names: nothing was sent then.
func (c *Client) Chain(ctx context.Context, q Chain) ([]Step, error) {
	q.AddOnKeys = unique(q.AddOnKeys)
	if err := q.check(c.cfg.LookupByEmail); err != nil {
		return nil, badInput(err)
	}
	steps, detail, d := c.run(ctx, "", q)
	if d != nil {
		d.Detail = detail
		return steps, d
	}
	return steps, nil
}

// single makes a call of one opcode and returns its step.
func (c *Client) single(ctx context.Context, q Chain) (Step, error) {
	steps, err := c.Chain(ctx, q)
	if len(steps) == 0 {
		return Step{}, err
	}
	return steps[0], err
}

// check returns an [*amsbridge.InputError] for what the vendor's text does not allow. The keys must be
// sorted.
func (q Chain) check(byEmail bool) error {
	bad := func(field, problem string) error { return check.Bad("notified", "Chain."+field, problem) }
	switch {
	case q.OpCodes == "":
		return bad("OpCodes", "are empty")
	case len(q.OpCodes) > maxOpCodes:
		return bad("OpCodes", "are longer than 20 letters")
	}
	for i := range len(q.OpCodes) {
		if q.OpCodes[i] == 'D' {
			return bad("OpCodes", "hold D, which deletes the whole user")
		}
		if _, known := opcodes[q.OpCodes[i]]; !known {
			return bad("OpCodes", "hold one that is not known")
		}
	}
	needs := needsOf(q.OpCodes)
	if err := q.Person.check(byEmail, needs&needProfile != 0); err != nil {
		return err
	}
	switch {
	case needs&needShow != 0 && q.ShowKey <= 0:
		return bad("ShowKey", "is not positive")
	case needs&needPackage != 0 && q.ShowPackageKey <= 0:
		return bad("ShowPackageKey", "is not positive")
	case needs&needKeys == 0:
		return nil
	case len(q.AddOnKeys) == 0:
		return bad("AddOnKeys", "are empty")
	case q.AddOnKeys[0] <= 0:
		return bad("AddOnKeys", "hold one that is not positive")
	case len(keyList(q.AddOnKeys)) > amsbridge.MaxAddOnList:
		return bad("AddOnKeys", "are longer than 8,000 bytes as a list")
	}
	return nil
}

// check returns an [*amsbridge.InputError] unless the person can be looked up, and has a profile where
// one is sent.
func (p Person) check(byEmail, profile bool) error {
	bad := func(field, problem string) error { return check.Bad("notified", "Person."+field, problem) }
	if !byEmail {
		if e, wrong := errors.AsType[*check.InputError](p.UserID.Check()); wrong {
			return bad("UserID", e.Problem)
		}
	}
	if profile {
		if problem := check.Text(strings.TrimSpace(p.FirstName), maxProfileText); problem != "" {
			return bad("FirstName", problem)
		}
		if problem := check.Text(strings.TrimSpace(p.LastName), maxProfileText); problem != "" {
			return bad("LastName", problem)
		}
	}
	if !byEmail && !profile {
		return nil
	}
	if problem := check.Email(p.Email, maxProfileText); problem != "" {
		return bad("Email", problem)
	}
	return nil
}

// unique returns the keys in numeric order, each once.
func unique(keys []int64) []int64 {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	return slices.Compact(keys)
}
