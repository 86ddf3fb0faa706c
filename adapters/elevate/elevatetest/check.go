package elevatetest

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/mail"
	"reflect"
	"slices"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/internal/fieldpath"
)

// input is the content of a call.
type input struct {
	refusals
	user    amsbridge.User
	product string
	confirm bool
}

// read reads a call and checks everything that does not depend on the products.
func (s *Server) read(w http.ResponseWriter, r *http.Request) (in input) {
	o := in.readObject(w, r)
	if o == nil {
		return in
	}
	if !s.authorized(r, o) {
		in.refuse(http.StatusUnauthorized, "the credentials are missing or wrong")
	}
	s.readFields(o, &in)
	return in
}

func (s *Server) authorized(r *http.Request, o map[string]any) bool {
	p, want, got := s.cfg.Profile, s.cfg.Key, ""
	switch p.Auth {
	case elevate.AuthBody:
		v, _ := fieldpath.Get(o, p.AuthField)
		got, _ = v.(string)
	case elevate.AuthBearer:
		got, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	case elevate.AuthHeader:
		got = r.Header.Get(p.AuthField)
	case elevate.AuthBasic:
		user, password, _ := r.BasicAuth()
		want, got = s.cfg.UserName+":"+s.cfg.Password, user+":"+password
	}
	return subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
}

func (s *Server) readFields(o map[string]any, in *input) {
	p := s.cfg.Profile
	refuse := func(text string) { in.refuse(http.StatusUnprocessableEntity, text) }
	known := []string{p.Confirmation}
	if p.Auth == elevate.AuthBody {
		known = append(known, p.AuthField)
	}
	text := func(path string) string {
		known = append(known, path)
		v, there := fieldpath.Get(o, path)
		t, ok := v.(string)
		switch {
		case !there:
			refuse("the field " + path + " is missing")
		case !ok:
			refuse("the field " + path + " is not a text")
		case strings.TrimSpace(t) == "":
			refuse("the field " + path + " is empty")
		}
		return t
	}
	in.user = amsbridge.User{
		ID:        amsbridge.UserID(text(p.UserID)),
		FirstName: text(p.FirstName), LastName: text(p.LastName), Email: text(p.Email),
	}
	in.product = text(p.RemoteProductID)
	if bad, wrong := errors.AsType[*amsbridge.InputError](in.user.ID.Check()); wrong && in.user.ID != "" {
		refuse("the field " + p.UserID + " is not a user ID: it " + bad.Problem)
	}
	a, err := mail.ParseAddress(in.user.Email)
	if in.user.Email != "" && (err != nil || a.Address != in.user.Email) {
		refuse("the field " + p.Email + " is not an e-mail address")
	}
	for _, path := range slices.Sorted(maps.Keys(p.Extra)) {
		known = append(known, path)
		if v, ok := fieldpath.Get(o, path); !ok || !sameJSON(v, p.Extra[path]) {
			refuse("the field " + path + " is not the profile's constant")
		}
	}
	if v, there := fieldpath.Get(o, p.Confirmation); there { // optional, by the vendor's text
		in.confirm = sameJSON(v, p.ConfirmationOn)
		if !in.confirm && !sameJSON(v, p.ConfirmationOff) {
			refuse("the field " + p.Confirmation + " is neither on nor off")
		}
	}
	in.refuseUnknown(o, known, "the profile does not name")
}

// sameJSON compares a value that was read with a profile's JSON, ignoring the order of fields.
func sameJSON(v any, want json.RawMessage) bool {
	b, err := json.Marshal(v)
	if err != nil {
		return false
	}
	var x, y any
	return json.Unmarshal(b, &x) == nil && json.Unmarshal(want, &y) == nil && reflect.DeepEqual(x, y)
}
