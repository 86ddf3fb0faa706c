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

// request makes the call that gives a grant.
func (p *Profile) request(url string, s secrets, g amsbridge.Grant, confirm bool) (apiclient.Request, error) {
	header, body := jsonHeader(), map[string]any{}
	fieldpath.Set(body, p.FirstName, g.User.FirstName)
	fieldpath.Set(body, p.LastName, g.User.LastName)
	fieldpath.Set(body, p.Email, g.User.Email)
	fieldpath.Set(body, p.UserID, g.User.ID)
	fieldpath.Set(body, p.RemoteProductID, g.Item.RemoteProductID)
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
		Method: http.MethodPost, URL: url, Header: header, Key: g.Key, Body: text, Private: private(g),
	}, nil
}

// private lists the texts that no text about this grant may hold.
func private(g amsbridge.Grant) []string {
	return []string{g.User.Email, g.User.FirstName, g.User.LastName, string(g.User.ID)}
}

// missing returns the first fact of Elevate's text that a grant lacks, in an operator's words and as an
// error about the field. The error is nil where nothing is missing.
func missing(g amsbridge.Grant) (fact string, bad *check.InputError) {
	if bad := notElevates(g.Item); bad != nil {
		return "item", bad
	}
	if wrong, ok := errors.AsType[*check.InputError](g.User.ID.Check()); ok {
		return "user ID", check.Bad("elevate", "Grant.User.ID", wrong.Problem)
	}
	for _, f := range []struct{ fact, field, value string }{
		{"remote product ID", "Item.RemoteProductID", g.Item.RemoteProductID},
		{"first name", "User.FirstName", g.User.FirstName},
		{"last name", "User.LastName", g.User.LastName},
		{"email", "User.Email", g.User.Email},
	} {
		switch {
		case strings.TrimSpace(f.value) == "":
			return f.fact, check.Bad("elevate", "Grant."+f.field, "is empty")
		case !utf8.ValidString(f.value):
			return f.fact, check.Bad("elevate", "Grant."+f.field, "is not valid UTF-8")
		}
	}
	return "", nil
}

// notElevates returns an error for an item that is not a product of Elevate.
func notElevates(i amsbridge.Item) *check.InputError {
	if i.RemoteProductID == "" || i.ShowKey != 0 || i.ShowPackageKey != 0 || len(i.AddOnKeys) > 0 {
		return check.Bad("elevate", "Grant.Item", "is not a product of Elevate")
	}
	return nil
}
