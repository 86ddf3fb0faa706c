package amsbridge

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// What plainJSON reads, encoding/json reads as the same.
func FuzzPlainPayloads(f *testing.F) {
	for _, seed := range []string{
		`{"user_id":"U-1","remote_product_id":"é/1"}`,
		"{ \"remote_product_id\" : \"\u2028\" ,\t\"user_id\":\"\"\r\n}",
		`{"user_id":"a","user_id":"b"}`, `{"USER_ID":"a"}`, `{"user_id":"\u0061"}`, "{\"user_id\":\"\x01\"}", "{\"user_id\":\"\xff\"}",
		`{"user_id":null}`, `{"user_id":"a",}`, `{"user_id":"a"}}`, `{,}`, `{"user_id" "a"}`, `null`, ``,
		`{"user_id":"U-1","show_key":7,"show_package_key":-3,"add_ons":[{"line_id":"1","keys":[1,0,-9223372036854775808]},{"keys":[]},{}]}`,
		`{"add_ons":[]}`, `{"add_ons":[],"add_ons":[{}]}`, `{"add_ons":[{"keys":[1],"keys":[2]}]}`, `{"add_ons":[{},]}`, `{"add_ons":[1]}`,
		`{"show_key":01}`, `{"show_key":-0}`, `{"show_key":1.0}`, `{"show_key":1e1}`, `{"show_key":9223372036854775808}`, `{"show_key":}`, `{"show_key":1,"show_key":2}`,
		`{"first_name":"Ada","last_name":"Byron","email":"ada@example.org","backfill":true}`,
		`{"backfill":false}`, `{"backfill":truer}`, `{"backfill":true,"backfill":true}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		requirePlainIsJSON(t, b, plainRegistration)
		requirePlainIsJSON(t, b, plainAddOns)
		requirePlainIsJSON(t, b, plainProfile)
	})
}

func requirePlainIsJSON[T any](t *testing.T, b []byte, read func([]byte) (T, bool)) {
	t.Helper()
	var want T
	got, ok := read(b)
	if !ok {
		return
	}
	require.NoError(t, json.Unmarshal(b, &want))
	require.Equal(t, want, got)
}

// What this package writes needs no second reading, nor does what PostgreSQL's
// jsonb makes of it.
func TestOwnPayloadsArePlain(t *testing.T) {
	t.Parallel()
	u := User{ID: "U-1", FirstName: "Zoë", LastName: "O'Brien", Email: "zoe@example.org"}
	r := Registration{OrderID: "O-1", LineID: "1", RemoteProductID: "P-1", User: u, Backfill: true}
	m, err := r.message("elevate")
	require.NoError(t, err)
	requirePlain(t, m.Facts, plainRegistration)
	requirePlain(t, m.Profile, plainProfile)
	requirePlain(t, []byte("{}"), plainProfile) // a forgotten one
	a := AddOns{OrderID: "O-1", ShowKey: 7, ShowPackageKey: 8, Lines: []LineAddOns{{"1", []int64{1, 2}}, {"2", []int64{}}}, User: u}
	m, err = a.message("notified", 1)
	require.NoError(t, err)
	requirePlain(t, m.Facts, plainAddOns)
	requirePlain(t, []byte(`{"add_ons": [{"keys": [1, 2], "line_id": "1"}], "user_id": "U-1", "show_key": 7}`), plainAddOns)
}

func requirePlain[T any](t *testing.T, b []byte, read func([]byte) (T, bool)) {
	t.Helper()
	_, ok := read(b)
	require.True(t, ok, string(b))
}

// Encode writes what encoding/json writes.
func FuzzReceipt(f *testing.F) {
	f.Add("https://elevate.example.org/p/1", 3, true)
	f.Add("https://elevate.example.org/p?a=1&b=<\u2028é\"\\", -1, true)
	f.Add("", 0, false)
	f.Fuzz(func(t *testing.T, url string, added int, counted bool) {
		r := Receipt{ProductURL: url}
		if counted {
			r.AddOnsAdded = &added
		}
		want, err := json.Marshal(r)
		require.NoError(t, err)
		require.Equal(t, string(want), string(r.Encode()))
	})
}
