package elevate

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate/internal/fieldpath"
	"github.com/amsbridge/amsbridge/internal/apiclient"
	"github.com/amsbridge/amsbridge/internal/check"
)

// jsonHeader is the header of a call that sends and expects JSON.
func jsonHeader() http.Header {
	return http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}}
}

// request makes the call for one registration.
func (p *Profile) request(
	url string, s secrets, r amsbridge.Registration, key string, confirm bool,
) (apiclient.Request, error) {
	header, body := jsonHeader(), map[string]any{}
	fieldpath.Set(body, p.FirstName, r.User.FirstName)
	fieldpath.Set(body, p.LastName, r.User.LastName)
	fieldpath.Set(body, p.Email, r.User.Email)
	fieldpath.Set(body, p.UserID, r.User.ID)
	fieldpath.Set(body, p.RemoteProductID, r.RemoteProductID)
	fieldpath.Set(body, p.Confirmation, p.ConfirmationOff)
	if confirm {
		fieldpath.Set(body, p.Confirmation, p.ConfirmationOn)
	}
	for path, v := range p.Extra {
		fieldpath.Set(body, path, v)
	}
	switch p.Auth {
	case AuthBody:
		fieldpath.Set(body, p.AuthField, s.key)
	case AuthBearer:
		header.Set("Authorization", "Bearer "+s.key)
	case AuthBasic:
		header.Set("Authorization", "Basic "+s.basic())
	case AuthHeader:
		header.Set(p.AuthField, s.key)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return apiclient.Request{}, err
	}
	return apiclient.Request{
		Method: http.MethodPost, URL: url, Header: header, Key: key, Body: text, Private: private(r),
	}, nil
}

// private lists the texts that no text about this registration may hold.
func private(r amsbridge.Registration) []string {
	return []string{r.User.Email, r.User.FirstName, r.User.LastName, string(r.User.ID)}
}

// missing returns the first fact of Elevate's text that a registration lacks, in an operator's words
// and as an error about the field. The error is nil where nothing is missing.
func missing(r amsbridge.Registration) (fact string, bad *check.InputError) {
	if wrong, ok := errors.AsType[*check.InputError](r.User.ID.Check()); ok {
		return "user ID", check.Bad("elevate", "Registration.User.ID", wrong.Problem)
	}
	for _, f := range []struct{ fact, field, value string }{
		{"remote product ID", "RemoteProductID", r.RemoteProductID},
		{"first name", "User.FirstName", r.User.FirstName},
		{"last name", "User.LastName", r.User.LastName},
		{"email", "User.Email", r.User.Email},
	} {
		switch {
		case strings.TrimSpace(f.value) == "":
			return f.fact, check.Bad("elevate", "Registration."+f.field, "is empty")
		case !utf8.ValidString(f.value):
			return f.fact, check.Bad("elevate", "Registration."+f.field, "is not valid UTF-8")
		}
	}
	return "", nil
}
