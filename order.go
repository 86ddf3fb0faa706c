package amsbridge

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// Order is a paid order as it is now. A shop reports it as often as it likes: see [Hook.OrderCompleted].
type Order struct {
	// ID is the shop's order ID, which never changes and no other order of the association ever has: 1
	// to 255 bytes of UTF-8 without control characters. A missing one ("", "0", a zero UUID) or one that
	// is malformed is told and kept as a task; nothing is given then.
	ID string
	// Association is the suffix of the destinations where one shop serves several associations: "acme"
	// sends to "elevate/acme". At most 64 of [A-Za-z0-9._-]. Empty for none. It must never change once
	// it was set: a person is an association and a user ID, and an order an association and an order ID.
	Association string
	// Buyer is who paid. A line of quantity one without attendees is for the buyer.
	Buyer User
	// Lines are as many as fit, with the people on them, into [outbox.MaxBody] bytes: some 30,000 seats.
	// Of a larger order nothing is given or taken, and a task says so.
	Lines []Line
	// Version rises whenever the order changes, such as the version column of the shop's own row. A
	// report with a lower one than before comes late, and changes nothing. A swap of attendees needs a
	// rising one, since a late report would turn time back. Defaults to none.
	Version int64
	// UpdatedAt serves in place of Version, for shops that have only a time. It must not be the time of
	// the report. Defaults to none.
	UpdatedAt time.Time
	// PlacedAt is when the order was placed, which never changes. With it an order under an ID that was
	// used before is recognised even if its buyer is the same. Defaults to none.
	PlacedAt time.Time
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
	// Quantity is how many seats were bought, at least 1. Refunded seats are not subtracted (see
	// [HookConfig].NetQuantities).
	Quantity int
	// Attendees are the people whom the line is for; their order means nothing, and one who is named
	// twice holds one seat. At a quantity above one, seats without a named attendee are open: they are
	// told, and named in a later report.
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

// check finds the programmer's mistakes.
func (o Order) check() error {
	if err := checkAssociation("Order.Association", o.Association); err != nil {
		return err
	}
	seen := make(map[string]bool, len(o.Lines))
	for i, l := range o.Lines {
		if s := duplicate(seen, l.ID); s != "" {
			return check.Bad("amsbridge", fmt.Sprintf("Order.Lines[%d].ID", i), s)
		}
	}
	return nil
}

func checkAssociation(field, association string) error {
	if association != "" && outbox.CheckDestination("x/"+association) != nil {
		return check.Bad("amsbridge", field, "is not of the form [A-Za-z0-9._-]{1,64}")
	}
	return nil
}

func duplicate(seen map[string]bool, id string) string {
	if id == "" {
		return "is empty"
	}
	if seen[id] {
		return "is a duplicate"
	}
	seen[id] = true
	return ""
}

// suffix is what the association adds to a destination's name.
func suffix(association string) string {
	if association == "" {
		return ""
	}
	return "/" + association
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
