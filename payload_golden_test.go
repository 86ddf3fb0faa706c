package amsbridge

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// Fingerprints of facts are compared when an order is repeated, for as long as its row is kept. Another
// encoding of the same facts would be a conflict.
func TestFactsNeverChange(t *testing.T) {
	t.Parallel()
	u := User{ID: "a&<b>\u00e9😀\"\\", FirstName: "Ada", LastName: "O'Hara", Email: "ada@example.org"}
	reg, err := Registration{OrderID: "1001", LineID: "1", RemoteProductID: "C/1 ü", User: u}.message("elevate")
	require.NoError(t, err)
	add, err := AddOns{OrderID: "1001", ShowKey: 7, User: u, Lines: []LineAddOns{
		{"1", []int64{3, 9985}}, {"2", []int64{9223372036854775807}},
	}}.message("notified", 1)
	require.NoError(t, err)
	both, err := AddOns{OrderID: "1001", ShowKey: 7, ShowPackageKey: 70, User: u, Lines: []LineAddOns{{"1", []int64{3}}}}.message("notified", 1)
	require.NoError(t, err)
	require.NotEqual(t, add.Key, both.Key)
	pastReg, err := Registration{OrderID: "1001", LineID: "1", RemoteProductID: "C/1 ü", User: u, Backfill: true}.message("elevate")
	require.NoError(t, err)
	pastAdd, err := AddOns{OrderID: "1001", ShowKey: 7, ShowPackageKey: 70, User: u, Backfill: true, Lines: []LineAddOns{{"1", []int64{3}}}}.message("notified", 1)
	require.NoError(t, err)
	person := `a\u0026\u003cb\u003eé😀\"\\`
	for _, c := range []struct {
		msg                outbox.Message
		facts, fingerprint string
		items              []string
	}{
		{reg, `{"user_id":"` + person + `","remote_product_id":"C/1 ü"}`, "725e94b88d2aab38626807060f959d92", []string{"1"}},
		{add, `{"user_id":"` + person + `","show_key":7,"add_ons":[{"line_id":"1","keys":[3,9985]},{"line_id":"2","keys":[9223372036854775807]}]}`, "4f204c8fbaf705ec2901cf243055f4e4", []string{"1", "2"}},
		{both, `{"user_id":"` + person + `","show_key":7,"show_package_key":70,"add_ons":[{"line_id":"1","keys":[3]}]}`, "3b9aace43ca2d6059a06a30635c793f7", []string{"1"}},
		// Backfill makes no difference to the fingerprint.
		{pastReg, `{"user_id":"` + person + `","remote_product_id":"C/1 ü","backfill":true}`, "725e94b88d2aab38626807060f959d92", []string{"1"}},
		{pastAdd, `{"user_id":"` + person + `","show_key":7,"show_package_key":70,"add_ons":[{"line_id":"1","keys":[3]}],"backfill":true}`, "3b9aace43ca2d6059a06a30635c793f7", []string{"1"}},
	} {
		require.Equal(t, c.facts, string(c.msg.Facts))
		require.Equal(t, c.fingerprint, hex.EncodeToString(c.msg.FactsFingerprint()))
		require.Equal(t, `{"first_name":"Ada","last_name":"O'Hara","email":"ada@example.org"}`, string(c.msg.Profile))
		require.Equal(t, 1, c.msg.Version)
		require.Equal(t, string(u.ID), c.msg.Person)
		require.Equal(t, "1001", c.msg.Subject)
		require.Equal(t, c.items, c.msg.Items)
	}
	require.Equal(t, []string{"registration", "add-ons", "add-ons/remove", "task/line"}, []string{KindRegistration, KindAddOns, KindRemoveAddOns, KindParkedLine})
}

func TestStandInFactsNeverChange(t *testing.T) {
	t.Parallel()
	p := &plan{order: Order{ID: "1001"}, elevate: "elevate"}
	for i, c := range []struct {
		at    int
		field string
		facts string
	}{
		{0, "user ID", `{"line_id":"1","at":0}`},
		{2, "attendees", `{"line_id":"1","at":2,"rest":true}`},
		{wholeLine, "attendees", `{"line_id":"1","at":-1}`},
	} {
		require.NoError(t, p.addParkedLine(Line{ID: "1"}, Product{}, c.at, User{}, c.field, "is wrong", nil))
		m := p.drafts[i].msg
		require.Equal(t, c.facts, string(m.Facts))
		require.Equal(t, m.Key[:16], string(m.FactsFingerprint()), "another defect of the same line is no conflict")
		require.Empty(t, m.Profile)
	}
}

func TestReceiptsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	none, two := 0, 2
	for text, r := range map[string]Receipt{
		`{}`: {},
		`{"product_url":"https://learn.example.org/c-1?a=1\u0026b=2"}`: {ProductURL: "https://learn.example.org/c-1?a=1&b=2"},
		`{"add_ons_added":0}`: {AddOnsAdded: &none},
		`{"product_url":"https://learn.example.org/","add_ons_added":2}`: {ProductURL: "https://learn.example.org/", AddOnsAdded: &two},
	} {
		require.Equal(t, text, string(r.Encode()))
		require.Equal(t, r, DecodeReceipt([]byte(text)))
	}
	for _, garbled := range []string{"", "null", "[]", "7", `"x"`, "{", `{"product_url":1}`, `{"product_url":"https://a","add_ons_added":"2"}`, "\xff", "{}{}"} {
		require.Equal(t, Receipt{}, DecodeReceipt([]byte(garbled)), garbled)
	}
}

func FuzzDecodeReceipt(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"product_url":"https://learn.example.org/","add_ons_added":2}`, `{"add_ons_added":1e400}`, "\xff", "[[["} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := DecodeReceipt(b)
		require.Equal(t, r, DecodeReceipt(r.Encode()))
	})
}

// seedPayloads adds facts, profiles and versions as the fuzzer's first inputs.
func seedPayloads(f *testing.F) {
	for _, seed := range []struct{ facts, profile string }{
		{`{"user_id":"U-1","remote_product_id":"C-1"}`, `{"first_name":"Ada","email":"ada@example.org"}`},
		{`{"user_id":"U-1","show_key":7,"add_ons":[{"line_id":"1","keys":[2,1]}]}`, ""},
		{`{"user_id":"U-1","show_key":7,"add_ons":[null,{"keys":null}]}`, "{}"},
		{`{"add_ons":{}}`, "[]"},
		{"null", "null"},
		{"", "{"},
		{`{"show_key":1e99}`, "\xff"},
		{strings.Repeat("[", 100), ""},
	} {
		f.Add(KindRegistration, 1, []byte(seed.facts), []byte(seed.profile))
		f.Add(KindAddOns, 1, []byte(seed.facts), []byte(seed.profile))
	}
	f.Add(KindAddOns, 2, []byte("of a newer program"), []byte(nil))
	f.Add("", -1, []byte("{}"), []byte(nil))
}

// requireDecodeError requires one of the two promised errors, without anything of the profile in it.
func requireDecodeError(t *testing.T, err error, version int, profile []byte) {
	t.Helper()
	var input *InputError
	if version > payloadVersion {
		require.ErrorIs(t, err, outbox.ErrNewerVersion)
	} else {
		require.ErrorAs(t, err, &input)
	}
	if len(profile) > 20 {
		require.NotContains(t, err.Error(), string(profile))
	}
}

func FuzzDecodeRegistration(f *testing.F) {
	seedPayloads(f)
	f.Fuzz(func(t *testing.T, kind string, version int, facts, profile []byte) {
		r, err := DecodeRegistration(outbox.Message{Kind: kind, Version: version, Facts: facts, Profile: profile})
		if err != nil {
			require.Equal(t, Registration{}, r)
			requireDecodeError(t, err, version, profile)
			return
		}
		m, err := r.message("elevate")
		require.NoError(t, err)
		again, err := DecodeRegistration(m)
		require.NoError(t, err)
		require.Equal(t, r, again)
	})
}

func FuzzDecodeAddOns(f *testing.F) {
	seedPayloads(f)
	f.Fuzz(func(t *testing.T, kind string, version int, facts, profile []byte) {
		a, err := DecodeAddOns(outbox.Message{Kind: kind, Version: version, Facts: facts, Profile: profile})
		if err != nil {
			require.Equal(t, AddOns{}, a)
			requireDecodeError(t, err, version, profile)
			return
		}
		require.IsNonDecreasing(t, append([]int64{-1 << 63}, a.Keys()...))
		m, err := a.message("notified", 1)
		require.NoError(t, err)
		again, err := DecodeAddOns(m)
		require.NoError(t, err)
		require.Equal(t, a, again)
	})
}
