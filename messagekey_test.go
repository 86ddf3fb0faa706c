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

func TestMessageKeysNeverChange(t *testing.T) {
	t.Parallel()
	reg, err := Registration{OrderID: "1001", LineID: "1", RemoteProductID: "C-1", User: User{ID: "U-1"}}.message("elevate")
	require.NoError(t, err)
	requireKey(t, reg, "ovbwtisx22mrwib7sazfef7ex5bn6myf", "elevate", "1001", "1", "U-1", "register")

	add, err := AddOns{OrderID: "1001", ShowKey: 7, Lines: []LineAddOns{{"1", []int64{1}}}, User: User{ID: "U-1"}}.message("notified/acme", 2)
	require.NoError(t, err)
	requireKey(t, add, "gmv4vkcuuti5hzoutnqnzxlgfz4u3z5u", "notified/acme", "1001", "U-1", "7", "2", "add")

	p := &plan{order: Order{ID: "1001"}, elevate: "elevate", notified: "notified"}
	line := Line{ID: "1", ProductID: "course", Quantity: 2}
	for place, c := range map[string]struct {
		at    int
		field string
		key   string
	}{
		"0":    {0, "attendee's user ID", "5izztfsx5i7umtbsqmutvfv6yzeeaypl"},
		"rest": {1, "attendees", "stut7egdaje3b35bcjvuorn2qv2mbwd2"},
		"line": {wholeLine, "quantity", "3xpg4do6v62kzexz6zjujobff3x2bbmt"},
	} {
		require.NoError(t, p.addParkedLine(line, Product{}, c.at, User{}, c.field, "is wrong", nil))
		d := p.drafts[len(p.drafts)-1]
		requireKey(t, d.msg, c.key, "task", "1001", "1", place, "mend")
		require.Contains(t, p.order.parkedLineKeys(d.spots[0]), c.key, "a push of that spot looks for this very key")
	}

	p = &plan{order: Order{ID: "1001"}, salt: reg.Key, ready: []*draft{{msg: reg}}}
	requireKey(t, p.messages()[0], "e5gqyzjr35hf74p4x4cjm4at3jowlbb3",
		"elevate", "1001", "1", "U-1", "register", "rebuild of", "ovbwtisx22mrwib7sazfef7ex5bn6myf")
	require.Equal(t, []string{"elevate", "1001", "1", "U-1", "register"}, reg.KeyParts, "the original's parts are not written to")
}

func requireKey(t *testing.T, m outbox.Message, key string, parts ...string) {
	t.Helper()
	require.Equal(t, parts, m.KeyParts)
	require.Equal(t, key, m.Key)
	require.Equal(t, keyOf(parts...), m.Key)
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
