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
const other = `{"name":"PDF","auth":"header","auth_field":"X-Key","first_name":"f","last_name":"l","email":"e","user_id":"u",` +
	`"remote_product_id":"p","confirmation":"c","confirmation_on":"Y","confirmation_off":null,"extra":{"site.code":{"a":1}},` +
	`"success":"","errors":["e"],"product_url":"x","accept_unmarked":true}`

func TestReadProfileOverridesFieldByField(t *testing.T) {
	t.Parallel()
	want := elevate.Profile{}
	require.NoError(t, json.Unmarshal([]byte(other), &want))
	all, err := elevate.ReadProfile(elevate.GuessedProfile(), strings.NewReader("\ufeff "+other+"\n"))
	require.NoError(t, err)
	require.Equal(t, want, *all)

	var fields map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(other), &fields))
	require.Len(t, fields, reflect.TypeFor[elevate.Profile]().NumField(), "a new field of Profile is read from files too")
	for name, raw := range fields {
		if name == "auth" { // the guess's AuthField cannot be a header
			continue
		}
		one := fmt.Sprintf(`{%q:%s}`, name, raw)
		want := elevate.GuessedProfile()
		require.NoError(t, json.Unmarshal([]byte(one), want))
		got, err := elevate.ReadProfile(elevate.GuessedProfile(), strings.NewReader(one))
		require.NoError(t, err, name)
		require.JSONEq(t, asJSON(t, want), asJSON(t, got), name)
		require.NotEqual(t, asJSON(t, elevate.GuessedProfile()), asJSON(t, got), name)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

func TestReadProfileLeavesItsBase(t *testing.T) {
	t.Parallel()
	base := elevate.GuessedProfile()
	base.Extra = map[string]json.RawMessage{"site": json.RawMessage("1")}
	before := asJSON(t, base)
	got, err := elevate.ReadProfile(base, strings.NewReader(`{"extra":{"code":2},"errors":["e"]}`))
	require.NoError(t, err)
	require.Equal(t, map[string]json.RawMessage{"code": json.RawMessage("2")}, got.Extra, "replaced, not merged")
	require.Equal(t, []string{"e"}, got.Errors)
	got.ConfirmationOn[0] = 'X'
	require.Equal(t, before, asJSON(t, base))

	none, err := elevate.ReadProfile(base, strings.NewReader(`{"extra":{},"errors":[]}`))
	require.NoError(t, err)
	require.Empty(t, none.Extra)
	require.Empty(t, none.Errors)
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
		{`{"email":""}`, "Profile.Email", "empty"},
		{`{"auth":"none"}`, "Profile.Auth", "is not body"},
		{`{"extra":{"email":1}}`, `Profile.Extra["email"]`, "another field"},
	} {
		p, err := elevate.ReadProfile(elevate.GuessedProfile(), strings.NewReader(c.file))
		var bad *amsbridge.InputError
		require.ErrorAs(t, err, &bad, c.file)
		require.Nil(t, p)
		require.Equal(t, c.field, bad.Field)
		require.Contains(t, bad.Problem, c.problem, c.file)
		require.NotContains(t, err.Error(), "planted")
	}
	_, err := elevate.ReadProfile(nil, strings.NewReader(`{}`))
	require.ErrorContains(t, err, "base is missing")
	_, err = elevate.ReadProfile(elevate.GuessedProfile(), nil)
	require.ErrorContains(t, err, "r is missing")
	broken := errors.New("disk")
	_, err = elevate.ReadProfile(elevate.GuessedProfile(), iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
}

// What is accepted is valid, is what encoding/json reads, and can be written
// and read again.
func FuzzReadProfile(f *testing.F) {
	for _, s := range []string{
		other, `{}`, `{"email":"a","email":"b"}`, `{"extra":{"a":{"b":[null]}}}`, `{"errors":null,"extra":null}`, `{"errors":[],"extra":{}}`, "\ufeff{}", `{} {}`,
		`{"EMAIL":"x"}`, `{"confirmation_on":"<"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := elevate.ReadProfile(elevate.GuessedProfile(), bytes.NewReader(b))
		if err != nil {
			require.Nil(t, p)
			return
		}
		require.NoError(t, p.Check())
		want := elevate.GuessedProfile()
		require.NoError(t, json.Unmarshal(bytes.TrimPrefix(b, []byte("\ufeff")), want))
		if len(want.Extra) == 0 {
			want.Extra = p.Extra // a nil map and an empty one mean the same
		}
		if len(want.Errors) == 0 {
			want.Errors = p.Errors
		}
		require.Equal(t, asJSON(t, want), asJSON(t, p))
		written := asJSON(t, p)
		if len(written) > 64<<10 {
			return
		}
		again, err := elevate.ReadProfile(&elevate.Profile{}, strings.NewReader(written))
		require.NoError(t, err)
		require.Equal(t, written, asJSON(t, again))
	})
}

// A file holds what the vendor's PDF says; the rest is taken from the base.
func ExampleReadProfile() {
	file := strings.NewReader(`{"name": "PDF of March 2026", "auth": "bearer", "user_id": "user.unique_id"}`)
	p, err := elevate.ReadProfile(elevate.GuessedProfile(), file)
	fmt.Println(p.Name, p.Auth, p.UserID, p.Email, err)
	_, err = elevate.ReadProfile(elevate.GuessedProfile(), strings.NewReader(`{"userid": "user.unique_id"}`))
	fmt.Println(err)
	// Output:
	// PDF of March 2026 bearer user.unique_id email <nil>
	// elevate: profile.userid is not a known field
}
