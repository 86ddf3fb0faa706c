package elevate

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/amsbridge/amsbridge/internal/check"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate/internal/wirejson"
	"github.com/amsbridge/amsbridge/internal/apiclient"
)

// jsonBoth is the header of a call that sends JSON and wants some back.
var jsonBoth = []apiclient.Field{
	{Name: "Accept", Values: []string{"application/json"}}, {Name: "Content-Type", Values: []string{"application/json"}},
}

// layout is what all calls of a profile and credentials share: it is made once.
type layout struct {
	// mail and silent are the body with and without the confirmation email.
	mail, silent *wirejson.Layout
	header       []apiclient.Field
}

// The gaps of a body.
const (
	gapFirstName wirejson.Gap = iota
	gapLastName
	gapEmail
	gapUserID
	gapRemoteProductID
)

func newLayout(p *Profile, secret secrets) (l layout, err error) {
	o := wirejson.Object{}
	o.Set(p.FirstName, gapFirstName)
	o.Set(p.LastName, gapLastName)
	o.Set(p.Email, gapEmail)
	o.Set(p.UserID, gapUserID)
	o.Set(p.RemoteProductID, gapRemoteProductID)
	for path, v := range p.Extra {
		o.Set(path, v)
	}
	l.header = jsonBoth
	switch p.Auth {
	case AuthBody:
		o.Set(p.AuthField, secret.key)
	case AuthBearer:
		l.header = withAuth("Authorization", "Bearer "+secret.key)
	case AuthBasic:
		l.header = withAuth("Authorization", "Basic "+secret.basic())
	case AuthHeader:
		l.header = withAuth(http.CanonicalHeaderKey(p.AuthField), secret.key)
	}
	o.Set(p.Confirmation, p.ConfirmationOn)
	if l.mail, err = o.Layout(); err != nil {
		return layout{}, err
	}
	o.Set(p.Confirmation, p.ConfirmationOff)
	l.silent, err = o.Layout()
	return l, err
}

// request makes the call of one registration.
func (l layout) request(url string, r amsbridge.Registration, key string, confirm bool) (apiclient.Request, error) {
	body := l.silent
	if confirm {
		body = l.mail
	}
	text, err := body.Fill(r.User.FirstName, r.User.LastName, r.User.Email, string(r.User.ID), r.RemoteProductID) // as the gaps are numbered
	if err != nil {
		return apiclient.Request{}, err
	}
	return apiclient.Request{Method: http.MethodPost, URL: url, Header: l.header, Key: key, Body: text, Private: private(r)}, nil
}

// withAuth is a header whose field of that name holds the credentials.
func withAuth(name, value string) []apiclient.Field {
	return append(slices.Clone(jsonBoth), apiclient.Field{Name: name, Values: []string{value}})
}

// private lists what no text about this registration may hold.
func private(r amsbridge.Registration) []string {
	return []string{r.User.Email, r.User.FirstName, r.User.LastName, string(r.User.ID)}
}

// problem names the first fact that Elevate's text wants and that is missing.
func problem(r amsbridge.Registration) error {
	if err := r.User.ID.Check(); err != nil {
		return err
	}
	for _, f := range []struct{ name, value string }{
		{"remote product ID", r.RemoteProductID},
		{"first name", r.User.FirstName},
		{"last name", r.User.LastName},
		{"email", r.User.Email},
	} {
		switch {
		case strings.TrimSpace(f.value) == "":
			return check.Bad("elevate", f.name, "is empty")
		case !utf8.ValidString(f.value):
			return check.Bad("elevate", f.name, "is not valid UTF-8")
		}
	}
	return nil
}
