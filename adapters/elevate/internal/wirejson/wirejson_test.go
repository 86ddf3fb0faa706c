package wirejson_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/amsbridge/amsbridge/adapters/elevate/internal/wirejson"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		`{}`: true, " {\"a\":[1,{\"b\":null}]}\n": true, "\ufeff{}": true,
		strings.Repeat(`{"a":`, 30) + `1` + strings.Repeat(`}`, 30): true,
		strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40): false,
		strings.Repeat(`[`, 1000):                                   false,
		`{"a":1,"a":1}`:                                             false, `{"x":{"a":1,"\u0061":1}}`: false, `{"a":1,"A":1}`: true,
		``: false, `[]`: false, `1`: false, `{`: false, `{"a"}`: false, `{"a":}`: false, `{"a":1,}`: false, `{1:2}`: false,
		`{}{}`: false, `{} x`: false, `{]`: false, `{"a":[}`: false, `null`: false, "{}\x00": false,
	} {
		_, err := wirejson.Parse([]byte(text))
		require.Equal(t, ok, err == nil, text)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	o := wirejson.Object{}
	require.True(t, o.Set("a.b.c", 1))
	require.True(t, o.Set("a.d", "x"))
	require.False(t, o.Set("a.d", "y"), "taken")
	require.False(t, o.Set("a.d.e", "y"), "lies on a text")
	v, ok := o.Get("a.b.c")
	require.True(t, ok)
	require.Equal(t, 1, v)
	for _, none := range []string{"a.b.x", "a.b.c.d", "x", "a."} {
		_, ok = o.Get(none)
		require.False(t, ok, none)
	}
	paths := o.Paths()
	slices.Sort(paths)
	require.Equal(t, []string{"a.b.c", "a.d"}, paths)
}

// What Parse takes, encoding/json reads as the same value.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":"c"}]}`, `{"a":1,"a":2}`, "\ufeff{}", `{"\ud800":1}`, "[[[["} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := wirejson.Parse(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(o)
		require.NoError(t, err)
		var want any
		require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(string(b), "\ufeff")), &want))
		var got any
		require.NoError(t, json.Unmarshal(again, &got))
		require.Equal(t, want, got)
	})
}

// Encode writes what encoding/json writes of what Parse read.
func FuzzEncode(f *testing.F) {
	for _, s := range []string{`{"b":{"a":[1,{"b":"c"}],"":null},"a":true}`, `{"a<&>":"\u2028\ud800\"\\\n\u007f"}`, `{}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := wirejson.Parse(b)
		if err != nil {
			return
		}
		want, err := json.Marshal(o)
		require.NoError(t, err)
		got, err := o.Encode()
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	})
}

func TestEncode(t *testing.T) {
	t.Parallel()
	for _, o := range []wirejson.Object{
		nil, {}, {"yes": json.RawMessage("true"), "no": json.RawMessage("false"), "spaced": json.RawMessage(` { "a" : "<" } `)},
		{"n": 1.5, "list": []any{"a", wirejson.Object{"b": nil}}, "none": wirejson.Object(nil)},
	} {
		want, err := json.Marshal(o)
		require.NoError(t, err)
		got, err := o.Encode()
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	}
	_, err := wirejson.Object{"bad": json.RawMessage("{")}.Encode()
	require.Error(t, err)
}
