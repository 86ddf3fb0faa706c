package notified

import (
	"net/mail"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"

	"github.com/amsbridge/amsbridge"
)

// maxProfileText is the size of EMailAddress in the vendor's text. That the
// names have the same is a guess.
const maxProfileText = 255

// Person is whom a call is about. UserID finds them, or Email where
// [Config].LookupByEmail says so. C, I and U need Email, FirstName and LastName;
// no other call sends a name.
type Person struct {
	UserID                     amsbridge.UserID
	Email, FirstName, LastName string
}

func personOf(u amsbridge.User) Person {
	return Person{UserID: u.ID, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName}
}

// check returns an [*amsbridge.InputError] unless the person can be looked up,
// and has a profile where that is sent.
func (p Person) check(byEmail, profile bool) error {
	if !byEmail {
		if err := p.UserID.Check(); err != nil {
			return err
		}
	}
	if profile {
		for _, f := range []struct{ name, value string }{{"first name", p.FirstName}, {"last name", p.LastName}} {
			if problem := textProblem(strings.TrimSpace(f.value), maxProfileText); problem != "" {
				return check.Bad("notified", f.name, problem)
			}
		}
	}
	if !byEmail && !profile {
		return nil
	}
	if problem := textProblem(p.Email, maxProfileText); problem != "" {
		return check.Bad("notified", "email", problem)
	}
	if a, err := mail.ParseAddress(p.Email); err != nil || a.Address != p.Email {
		return check.Bad("notified", "email", "is not an e-mail address")
	}
	return nil
}
