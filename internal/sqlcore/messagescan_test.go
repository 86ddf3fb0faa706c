package sqlcore

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzStringList(f *testing.F) {
	for _, s := range []string{
		`[]`, `null`, `["a"]`, `["a","b"]`, `[""]`, `["",""]`, `["a\"b"]`, `["a" ,"b"]`, `["a","b"`, `["a""b"]`, `["a",b"]`, `["]`, `[""`, `["é"]`,
		`["\u003c"]`, "[\"a\nb\"]", `["a"]x`, ` ["a"]`, `[1]`, `["a",1]`, `["","]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want []string
		wrong := json.Unmarshal([]byte(s), &want)
		got, err := stringList(s)
		if wrong != nil {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func TestTextsAreReadFromEitherDriver(t *testing.T) {
	t.Parallel()
	var s text
	require.NoError(t, s.Scan([]byte("a\x00b")))
	require.Equal(t, text("a\x00b"), s)
	require.NoError(t, s.Scan("c"))
	require.Equal(t, text("c"), s)
	require.NoError(t, s.Scan(nil))
	require.Empty(t, s)
	require.NoError(t, s.ScanBytes([]byte("d")))
	require.NoError(t, s.ScanBytes(nil))
	require.Empty(t, s, "NULL leaves nothing of the row before")
	require.ErrorContains(t, s.Scan(1), "int is no text")
}
