package elevate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
)

// other differs from the guess in every field.
const other = `{"name":"page","auth":"header","auth_field":"X-Key","first_name":"f","last_name":"l","email":"e","user_id":"u",` +
	`"remote_product_id":"p","confirmation":"c","confirmation_on":"Y","confirmation_off":null,"extra":{"site.code":{"a":1}},` +
	`"success":["s"],"errors":["e"],"no_error":["no"],"product_url":"x","product_url_base":"https://x.example/","accept_unmarked":true}`

// required are the fields that every file names, with an Auth that needs no AuthField.
const required = `"name":"n","auth":"bearer","first_name":"f","last_name":"l","email":"e","user_id":"u","remote_product_id":"p",` +
	`"confirmation":"c","confirmation_on":1,"confirmation_off":0,"product_url":"x"`

// A file is the whole profile: what it leaves out is not taken from the guess.
func TestReadProfileKeepsNothingOfTheGuess(t *testing.T) {
	t.Parallel()
	want := elevate.Profile{}
	require.NoError(t, json.Unmarshal([]byte(other), &want))
	all, err := elevate.ReadProfile(strings.NewReader("\ufeff " + other + "\n"))
	require.NoError(t, err)
	require.Equal(t, want, *all)
	var fields map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(other), &fields))
	require.Len(t, fields, reflect.TypeFor[elevate.Profile]().NumField(), "a new field of Profile is read from files too")

	want = elevate.Profile{}
	require.NoError(t, json.Unmarshal([]byte("{"+required+"}"), &want))
	least, err := elevate.ReadProfile(strings.NewReader("{" + required + "}"))
	require.NoError(t, err)
	require.Equal(t, want, *least)
	require.Empty(t, least.Success)
	require.Empty(t, least.Errors)
	require.Empty(t, least.NoError)
}

func TestReadProfileNamesAllThatIsMissing(t *testing.T) {
	t.Parallel()
	var fields map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte("{"+required+"}"), &fields))
	for name := range fields {
		raw := fields[name]
		delete(fields, name)
		left, err := json.Marshal(fields)
		require.NoError(t, err)
		_, err = elevate.ReadProfile(bytes.NewReader(left))
		require.EqualError(t, err, "elevate: profile."+name+" is missing or empty")
		fields[name] = raw
	}
	_, err := elevate.ReadProfile(strings.NewReader(`{"name":"n","auth":"body","first_name":"f","last_name":"l","email":"e","remote_product_id":"p","confirmation":"c","confirmation_on":1,"confirmation_off":0}`))
	require.EqualError(t, err, "elevate: profile.user_id is missing or empty, and so is product_url, auth_field")
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

func TestReadProfileNamesTheField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ file, field, problem string }{
		{``, "profile", "is not JSON from line 1 on"},
		{`[]`, "profile", "is not an object"},
		{`null`, "profile", "is not an object"},
		{`{`, "profile", "is not JSON from line 1 on"},
		{`{"email":"a"`, "profile", "is not JSON from line 1 on"},
		{`{"email":"a",}`, "profile", "is not JSON from line 1 on"},
		{"{\n\"email\":}", "profile", "is not JSON from line 2 on"},
		{`{"email":"a"}{}`, "profile", "more text"},
		{`{"email":"a"} x`, "profile", "more text"},
		{`{"emial":"planted"}`, "profile.emial", "not a known field"},
		{`{"Email":"planted"}`, "profile.Email", "not a known field"},
		{`{"api_key":"planted"}`, "profile.api_key", "not a known field"},
		{`{"` + strings.Repeat("x", 1000) + `":1}`, "profile." + strings.Repeat("x", 64), "not a known field"},
		{`{"email":"planted","name":"n","email":"b"}`, "profile.email", "twice"},
		{`{"email":"planted","\u0065mail":"b"}`, "profile.email", "twice"},
		{`{"email":null}`, "profile.email", "is null"},
		{`{"auth":7}`, "profile.auth", "not a text"},
		{`{"auth":["body"]}`, "profile.auth", "not a text"},
		{`{"accept_unmarked":"true"}`, "profile.accept_unmarked", "not true or false"},
		{`{"accept_unmarked":null}`, "profile.accept_unmarked", "is null"},
		{`{"errors":"planted"}`, "profile.errors", "not a list"},
		{`{"errors":[1]}`, "profile.errors[0]", "not a text"},
		{`{"errors":null}`, "profile.errors", "is null"},
		{`{"extra":null}`, "profile.extra", "is null"},
		{`{"extra":[]}`, "profile.extra", "not an object"},
		{`{"extra":{"site":1,"site":2}}`, `profile.extra["site"]`, "twice"},
		{`{"extra":{"site":{"a":1,"a":2}}}`, `profile.extra["site"]["a"]`, "twice"},
		{`{"confirmation_on":{"a":1,"a":2}}`, `profile.confirmation_on["a"]`, "twice"},
		{`{"confirmation_off":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "profile", "too deeply"},
		{"{\"email\":\"\xff\"}", "profile", "UTF-8"},
		{`{"name":"` + strings.Repeat("x", 64<<10) + `"}`, "profile", "64 KiB"},
		{`{}` + strings.Repeat(" ", 64<<10), "profile", "64 KiB"},
		{`{}`, "profile.name", "missing or empty, and so is auth, first_name"},
		{`{"name":"n","email":""}`, "profile.auth", "is missing or empty, and so is first_name, last_name, email, user_id"},
		{strings.Replace("{"+required+"}", "bearer", "none", 1), "Profile.Auth", "is not body"},
		{"{" + required + `,"extra":{"e":1}}`, `Profile.Extra["e"]`, "another field"},
		{"{" + required + `,"success":"ok"}`, "profile.success", "not a list"},
		{"{" + required + `,"product_url_base":"http://x.example"}`, "Profile.ProductURLBase", "https"},
	} {
		p, err := elevate.ReadProfile(strings.NewReader(c.file))
		var bad *amsbridge.InputError
		require.ErrorAs(t, err, &bad, c.file)
		require.Nil(t, p)
		require.Equal(t, c.field, bad.Field)
		require.Contains(t, bad.Problem, c.problem, c.file)
		require.NotContains(t, err.Error(), "planted")
	}
	_, err := elevate.ReadProfile(nil)
	require.ErrorContains(t, err, "r is missing")
	broken := errors.New("disk")
	_, err = elevate.ReadProfile(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
}

// What is accepted is valid, is what encoding/json reads, and can be written
// and read again.
func FuzzReadProfile(f *testing.F) {
	for _, s := range []string{
		other, `{}`, `{"email":"a","email":"b"}`, `{"extra":{"a":{"b":[null]}}}`, `{"errors":null,"extra":null}`, `{"errors":[],"extra":{}}`, "\ufeff{}", `{} {}`,
		`{"EMAIL":"x"}`, `{"confirmation_on":"<"}`, "{" + required + "}", "{" + required + `,"extra":{"a":[1]},"success":[],"no_error":["x"]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := elevate.ReadProfile(bytes.NewReader(b))
		if err != nil {
			require.Nil(t, p)
			return
		}
		require.NoError(t, p.Check())
		want := new(elevate.Profile)
		require.NoError(t, json.Unmarshal(bytes.TrimPrefix(b, []byte("\ufeff")), want))
		require.Equal(t, asJSON(t, want), asJSON(t, p))
		written := asJSON(t, p)
		if len(written) > 64<<10 {
			return
		}
		again, err := elevate.ReadProfile(strings.NewReader(written))
		require.NoError(t, err)
		require.Equal(t, written, asJSON(t, again))
	})
}

// A file holds the whole profile, as the vendor's page says it. What is missing is named at once.
func ExampleReadProfile() {
	file := strings.NewReader(`{
		"name": "vendor's page of March 2026", "auth": "bearer",
		"first_name": "first", "last_name": "last", "email": "mail", "user_id": "user.unique_id", "remote_product_id": "product",
		"confirmation": "send_mail", "confirmation_on": "Y", "confirmation_off": "N", "product_url": "url"
	}`)
	p, err := elevate.ReadProfile(file)
	fmt.Println(p.Name, p.Auth, p.UserID, p.Success, err)
	_, err = elevate.ReadProfile(strings.NewReader(`{"userid": "user.unique_id"}`))
	fmt.Println(err)
	_, err = elevate.ReadProfile(strings.NewReader(`{"name": "n", "auth": "basic", "user_id": "user.unique_id"}`))
	fmt.Println(err)
	// Output:
	// vendor's page of March 2026 bearer user.unique_id [] <nil>
	// elevate: profile.userid is not a known field
	// elevate: profile.first_name is missing or empty, and so is last_name, email, remote_product_id, confirmation, confirmation_on, confirmation_off, product_url
}
