package amsbridge_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

func TestUserIDIsCheckedOnceAndNeverMended(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", amsbridge.MaxUserID)
	for name, c := range map[string]struct{ id, problem string }{
		"one byte":            {"1", ""},
		"255 bytes":           {long, ""},
		"255 bytes of é":      {strings.Repeat("é", 127) + "x", ""},
		"256 bytes":           {long + "x", "is longer than 255 bytes"},
		"128 letters é":       {strings.Repeat("é", 128), "is longer than 255 bytes"},
		"empty":               {"", "is empty"},
		"inner space":         {"a b", ""},
		"leading space":       {" a", "is padded with white space"},
		"trailing space":      {"a ", "is padded with white space"},
		"no-break space":      {"a\u00a0", "is padded with white space"},
		"ideographic space":   {"\u3000a", "is padded with white space"},
		"space alone":         {" ", "is padded with white space"},
		"tab":                 {"a\tb", "has control characters"},
		"line feed":           {"a\nb", "has control characters"},
		"trailing line feed":  {"a\n", "has control characters"},
		"NUL":                 {"a\x00", "has control characters"},
		"DEL":                 {"a\x7f", "has control characters"},
		"C1 control":          {"a\u0085b", "has control characters"},
		"line separator":      {"a\u2028b", "has control characters"},
		"paragraph separator": {"a\u2029b", "has control characters"},
		"invalid UTF-8":       {"a\xff", "is not valid UTF-8"},
		"cut rune":            {"a\xc3", "is not valid UTF-8"},
		"surrogate":           {"a\xed\xa0\x80", "is not valid UTF-8"},
		"overlong NUL":        {"a\xc0\x80", "is not valid UTF-8"},
		"emoji with joiners":  {"👩\u200d👧\u200d👦", ""},
		"decomposed":          {"e\u0301", ""},
		"quotes and markup":   {`"'<>&;%00\`, ""},
		"null":                {"null", "is the text of a missing value"},
		"NULL":                {"NULL", "is the text of a missing value"},
		"Nil":                 {"Nil", "is the text of a missing value"},
		"None":                {"None", "is the text of a missing value"},
		"undefined":           {"undefined", "is the text of a missing value"},
		"NaN":                 {"NaN", "is the text of a missing value"},
		"zero":                {"0", "is the text of a missing value"},
		"nil UUID":            {"00000000-0000-0000-0000-000000000000", "is the text of a missing value"},
		"formatted nil":       {"%!s(<nil>)", "is the text of a missing value"},
		"object":              {"[object Object]", "is the text of a missing value"},
		"begins like null":    {"nullable", ""},
		"ends in zero":        {"10", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := amsbridge.UserID(c.id).Check()
			if c.problem == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, &amsbridge.InputError{Package: "amsbridge", Field: "UserID", Problem: c.problem}, err)
		})
	}
}

// FuzzUserID checks that every accepted ID can be stored, sent and shown, and that a similar ID of
// other bytes is another person.
func FuzzUserID(f *testing.F) {
	for _, seed := range []string{"U-1", " U-1", "null", "a\u2028", "\xff", "👩\u200d👧", strings.Repeat("é", 128), "a\x00b", "\ufeff1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id := amsbridge.UserID(s)
		err := id.Check()
		if err != nil {
			if s != "" && len(s) > 8 {
				require.NotContains(t, err.Error(), s, "an error holds no personal data")
			}
			return
		}
		require.True(t, s != "" && len(s) <= 255 && utf8.ValidString(s))
		require.Equal(t, strings.TrimSpace(s), s)
		require.False(t, strings.ContainsFunc(s, unicode.IsControl))
		require.NotContains(t, s, "\u2028")
		require.NotContains(t, s, "\u2029")
		require.NoError(t, outbox.CheckMessages([]outbox.Message{
			{Destination: "elevate", Key: "k", Kind: "k", Person: s, Subject: "o", Version: 1, Facts: []byte("f")},
		}), "the outbox takes it")
		require.Equal(t, s, outbox.CutText(s, 255), "it is shown as it is")
	})
}
