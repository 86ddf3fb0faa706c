package sqlcore

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func TestValuesStandAsLiterals(t *testing.T) {
	t.Parallel()
	text, hexed := "a", "61"
	var none *string
	for want, value := range map[string]any{
		"NULL": nil, "-5": int64(-5), "7": outbox.ID(7), "3": outbox.StateDelivered, "1": true, "x'00ff27'": []byte("\x00\xff'"),
		"_utf8mb4'plain {\"text\":1}'": `plain {"text":1}`, "_utf8mb4''": "", "x''": []byte{}, "_utf8mb4'" + text + "'": &text,
		"_utf8mb4 x'27'": "'", "_utf8mb4 x'5c'": `\`, "_utf8mb4 x'c3a9'": "é", "_utf8mb4 x'" + hexed + "0a'": "a\n",
	} {
		got, err := withValues("?1", []any{value})
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, value := range []any{none, []byte(nil)} {
		got, err := withValues("?1", []any{value})
		require.NoError(t, err)
		require.Equal(t, "NULL", got)
	}
	got, err := withValues("?2 + ?1, ?2 - ?11", []any{1, -2, 3, 4, 5, 6, 7, 8, 9, 10, "?1"})
	require.NoError(t, err)
	require.Equal(t, "-2 + 1, -2 - _utf8mb4'?1'", got, "what a value holds is no parameter")
	for _, bad := range []string{"?0", "?2", "?", "?x"} {
		_, err := withValues(bad, []any{1})
		require.Error(t, err, bad)
	}
	_, err = withValues("?1", []any{1.5})
	require.Error(t, err)
}

// No text ends its literal, whatever sql_mode and character set.
func FuzzLiteral(f *testing.F) {
	for _, seed := range []string{"", "'", `\'`, "\xbf\x27", "--", "a\x00b", "?1", "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := withValues("?1", []any{s})
		require.NoError(t, err)
		inner, found := strings.CutPrefix(got, "_utf8mb4'")
		if !found {
			inner, found = strings.CutPrefix(got, "_utf8mb4 x'")
			require.True(t, found, got)
			inner, found = strings.CutSuffix(inner, "'")
			require.True(t, found, got)
			require.Equal(t, fmt.Sprintf("%x", s), inner)
			return
		}
		inner, found = strings.CutSuffix(inner, "'")
		require.True(t, found, got)
		require.Equal(t, s, inner)
		require.Equal(t, -1, strings.IndexFunc(inner, func(r rune) bool { return r < ' ' || r > '~' || r == '\'' || r == '\\' }))
	})
}

func TestTheColumnThatIsAReservedWordIsQuoted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"SELECT key, m.key, after_key, key_parts FROM t": "SELECT `key`, m.key, after_key, key_parts FROM t",
		`(key, destination) '$."key"' AS key)`:           "(`key`, destination) '$.\"key\"' AS `key`)",
		"key":                                            "`key`", "`key` ON DUPLICATE KEY": "`key` ON DUPLICATE KEY", "keys": "keys",
	} {
		require.Equal(t, want, quoteKey(text))
	}
}

func TestTheServersNumberIsReadFromTheDriversText(t *testing.T) {
	t.Parallel()
	for text, again := range map[string]bool{
		"Error 1213 (40001): Deadlock found": true, "Error 1205: Lock wait timeout": true, "ERROR 1213 (40001): Deadlock": true,
		"Error 1062 (23000): Duplicate entry 'Error 1213'": false, "Error 12134": false, "Error 121": false, "a reply: Error 1213": false, "": false,
	} {
		require.Equal(t, again, Undone(fmt.Errorf("sqlstore: settle: %w", errors.New(text))), text)
	}
	require.False(t, Undone(nil))
}
