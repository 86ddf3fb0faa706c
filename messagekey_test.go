package amsbridge

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// Keys are stored for ever: if one changed, old orders would be sent again. These were computed by
// another program (SHA-256 over each part's length in eight big-endian bytes and the part; base32 of
// the first 20 bytes).
func TestKeysNeverChange(t *testing.T) {
	t.Parallel()
	for want, parts := range map[string][]string{
		"4oymiquy7qobjgx36tejs35zeqt24qpe": {},
		"v5kxb5nbqefxv54mv5f4octgb4g7khsc": {""},
		"g5dqr77xogo5lf46zb25k3gsfbxw2phx": {"", ""},
		"ovbwtisx22mrwib7sazfef7ex5bn6myf": {"elevate", "1001", "1", "U-1", "register"},
		"g6mrf5b7sqz2g7snlmxqayfjrjshv4de": {"notified", "1001", "U-1", "7", "1", "add"},
		"l5xdwh6mbrluowauzh2zbgssz6j5abrg": {"elevate/acme", "Ä-1", "a b", "é😀", "register"},
		"5izztfsx5i7umtbsqmutvfv6yzeeaypl": {"task", "1001", "1", "0", "mend"},
	} {
		require.Equal(t, want, keyOf(parts...), "%q", parts)
	}
}

// Keys and facts are stored for ever too: a grant whose key changed would be given again.
func TestGrantMessagesNeverChange(t *testing.T) {
	t.Parallel()
	s := seat{"acme", "1001", "1", "a&<b>é😀"}
	course := grantMessage("elevate/acme", s, Item{RemoteProductID: "C/1 ü"}, 1, KindGive, true)
	require.Equal(t, "vtjwybuqjnyrfdv4o7bkibzywj5metm7", course.Key)
	require.Equal(t, `{"user_id":"a\u0026\u003cb\u003eé😀","item":{"remote_product_id":"C/1 ü"},"turn":1,"backfill":true}`, string(course.Facts))
	require.Equal(t, "product C/1 ü", course.Scope)
	require.Equal(t, []string{"elevate/acme", "1001", "1", "a&<b>é😀", "product C/1 ü", "1", "give"}, course.KeyParts)
	gala := grantMessage("notified/acme", s, Item{ShowKey: 7, ShowPackageKey: 70, AddOnKeys: []int64{3, 9223372036854775807}}, 2, KindTake, false)
	require.Equal(t, "oiqrmmhexu2s6iphflm3ydpvzq4gy5pi", gala.Key)
	require.Equal(t, `{"user_id":"a\u0026\u003cb\u003eé😀","item":{"show_key":7,"show_package_key":70,"add_on_keys":[3,9223372036854775807]},"turn":2}`, string(gala.Facts))
	require.Equal(t, "show 7", gala.Scope)
	require.Equal(t, []string{"give", "take", "ended", "delivered"}, []string{KindGive, KindTake, KindEnded, KindDelivered})
	for _, m := range []outbox.Message{course, gala} {
		require.NoError(t, outbox.CheckMessages([]outbox.Message{m}))
		require.Equal(t, KindEnded, m.Sequel)
		require.NotContains(t, s.hash(), m.Person)
	}
}

// One part is never mistaken for two, whatever bytes it holds.
func TestKeyPartsDoNotCollide(t *testing.T) {
	t.Parallel()
	seen := map[string][]string{}
	for _, parts := range [][]string{
		{"ab", "c"},
		{"a", "bc"},
		{"abc"},
		{"abc", ""},
		{"", "abc"},
		{"a/b"},
		{"a", "b"},
		{"a\x00b"},
		{"b", "a"},
		{"a", "", "b"},
		{"a", "b", ""},
		{"a\x00\x00\x00\x00\x00\x00\x00\x01b"},
		{"\x00\x00\x00\x00\x00\x00\x00\x01a"},
		{"a", "B"},
		{"e\u0301"},
		{"é"},
		{strings.Repeat("a", 256)},
		{strings.Repeat("a", 255)},
		{"11", "1"},
		{"1", "11"},
	} {
		key := keyOf(parts...)
		require.Len(t, key, 32)
		require.NotContains(t, seen, key, "%q", parts)
		seen[key] = parts
	}
}

// FuzzKeyOf splits one text at two different places: different parts must give different keys.
func FuzzKeyOf(f *testing.F) {
	f.Add("1001", "U-1", uint(2), uint(3))
	f.Add("\x00\x00", "\x00", uint(0), uint(1))
	f.Fuzz(func(t *testing.T, a, b string, i, j uint) {
		s := a + b
		i, j = i%uint(len(s)+1), j%uint(len(s)+1)
		first, second := keyOf(s[:i], s[i:]), keyOf(s[:j], s[j:])
		require.Equal(t, i == j, first == second)
		require.NotEqual(t, keyOf(s), first)
		require.Regexp(t, "^[a-z2-7]{32}$", first)
	})
}
