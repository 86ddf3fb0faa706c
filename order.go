package amsbridge

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// Order is a paid order as the shop reports it.
type Order struct {
	// ID is the shop's order ID, which never changes: 1 to 255 bytes of UTF-8 without control
	// characters.
	ID string
	// Association is the suffix of the destinations where one shop serves several associations: "acme"
	// sends to "elevate/acme". At most 64 of [A-Za-z0-9._-]. Empty for none.
	Association string
	// Buyer is who paid. A line of quantity one without attendees is for the buyer.
	Buyer User
	// Lines are at most 10,000.
	Lines []Line
	// Backfill marks an old order, reported when a shop starts to use this package. The platforms are
	// asked to send no mail about it. Defaults to false.
	Backfill bool
}

// Line is one line of an order.
type Line struct {
	// ID is unique within the order and stays the same when the order is
	// reported again. Required; at most 255 bytes.
	ID string
	// ProductID is the shop's own product ID, as the catalogue knows it.
	ProductID string
	// Quantity is at least 1.
	Quantity int
	// Attendees are the people whom the line is for. At a quantity above one, seats without a named
	// attendee are parked.
	Attendees []User
}

// User is a member, with the data that platforms need.
type User struct {
	ID        UserID
	FirstName string
	LastName  string
	Email     string
	// MemberType is the association's own term for the kind of member. It goes only to platforms that
	// ask for it at a hand-off, and into no push. At most 255 bytes.
	MemberType string
}

// check finds the caller's mistakes.
func (o Order) check() error {
	if s := check.Text(o.ID, outbox.MaxSubject); s != "" {
		return check.Bad("amsbridge", "Order.ID", s)
	}
	if o.Association != "" {
		if err := outbox.CheckDestination("x/" + o.Association); err != nil {
			return check.Bad("amsbridge", "Order.Association", "is not of the form [A-Za-z0-9._-]{1,64}")
		}
	}
	if len(o.Lines) > outbox.MaxItems {
		return check.Bad("amsbridge", "Order.Lines", fmt.Sprintf("are more than %d", outbox.MaxItems))
	}
	seen := make(map[string]bool, len(o.Lines))
	for i, l := range o.Lines {
		switch {
		case l.ID == "":
			return check.Bad("amsbridge", fmt.Sprintf("Order.Lines[%d].ID", i), "is empty")
		case seen[l.ID]:
			return check.Bad("amsbridge", fmt.Sprintf("Order.Lines[%d].ID", i), "is a duplicate")
		}
		seen[l.ID] = true
	}
	return nil
}

// UserID is the shared user ID: the same bytes in a push and in a hand-off. It
// is never normalised, trimmed or case-folded.
type UserID string

// MaxUserID is the longest user ID, in bytes (Notified's ExternalUserID is a
// Varchar 255; Elevate's text names no limit).
const MaxUserID = 255

// Check returns an [*InputError] unless the ID is 1 to 255 bytes of valid UTF-8 without control
// characters, has no white space around it, and is not the text of a missing value, such as "null" or
// "undefined".
func (id UserID) Check() error {
	if problem := id.problem(); problem != "" {
		return check.Bad("amsbridge", "UserID", problem)
	}
	return nil
}

func (id UserID) problem() string {
	s := string(id)
	if p := check.Text(s, MaxUserID); p != "" {
		return p
	}
	if s != strings.TrimFunc(s, unicode.IsSpace) {
		return "is padded with white space"
	}
	for _, missing := range missingValues {
		if len(s) == len(missing) && strings.EqualFold(s, missing) {
			return "is the text of a missing value"
		}
	}
	return ""
}

// missingValues are the texts that programs write in place of a missing ID.
var missingValues = [...]string{
	"null", "nil", "none", "undefined", "nan", "<nil>", "(null)", "%!s(<nil>)", "[object object]",
	"0", "00000000-0000-0000-0000-000000000000",
}

// profileProblem returns the first field that Elevate requires and that is missing or malformed, and
// what is wrong with it.
func (u User) profileProblem() (field, problem string) {
	for _, f := range []struct{ name, value string }{{"first name", u.FirstName}, {"last name", u.LastName}, {"email", u.Email}} {
		if p := check.Text(strings.TrimSpace(f.value), 255); p != "" {
			return f.name, p
		}
	}
	if check.Email(u.Email, 255) != "" {
		return "email", "is not an e-mail address"
	}
	return "", ""
}

// InputError is a mistake in what the caller gave, from any package of this module. Nothing was written
// or sent, and the transaction is usable. It never holds the refused value. Package is the package that
// refused ("handoff"), Field the value as Go code names it ("Config.Platforms[2].Name"), and Problem
// what is wrong with it ("is empty"); Error joins the three.
type InputError = check.InputError
