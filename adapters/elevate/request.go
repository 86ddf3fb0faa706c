package elevate

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate/internal/wirejson"
	"github.com/amsbridge/amsbridge/adapters/internal/apiclient"
)

// request makes the call of one registration.
func (c *Client) request(r amsbridge.Registration, key string, confirm bool) (apiclient.Request, error) {
	return c.requestWith(c.credentials.reveal(), r, key, confirm)
}

func (c *Client) requestWith(
	secret secrets, r amsbridge.Registration, key string, confirm bool,
) (apiclient.Request, error) {
	p := c.profile
	mail := p.ConfirmationOff
	if confirm {
		mail = p.ConfirmationOn
	}
	o := wirejson.Object{}
	o.Set(p.FirstName, r.User.FirstName)
	o.Set(p.LastName, r.User.LastName)
	o.Set(p.Email, r.User.Email)
	o.Set(p.UserID, string(r.User.ID))
	o.Set(p.RemoteProductID, r.RemoteProductID)
	o.Set(p.Confirmation, mail)
	for path, v := range p.Extra {
		o.Set(path, v)
	}
	h := http.Header{
		"Accept":            {"application/json"},
		"Content-Type":      {"application/json"},
		apiclient.KeyHeader: {key},
	}
	switch p.Auth {
	case AuthBody:
		o.Set(p.AuthField, secret.key)
	case AuthBearer:
		h.Set("Authorization", "Bearer "+secret.key)
	case AuthBasic:
		h.Set("Authorization", "Basic "+secret.basic())
	case AuthHeader:
		h.Set(p.AuthField, secret.key)
	}
	body, err := o.Encode()
	if err != nil {
		return apiclient.Request{}, err
	}
	return apiclient.Request{
		Method: http.MethodPost, URL: c.endpoint, Header: h, Body: body, Private: private(r),
	}, nil
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
			return &amsbridge.InputError{Field: f.name, Problem: "is empty"}
		case !utf8.ValidString(f.value):
			return &amsbridge.InputError{Field: f.name, Problem: "is not valid UTF-8"}
		}
	}
	return nil
}
