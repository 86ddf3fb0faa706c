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
		_, err := wirejson.Parse(text)
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
	for _, s := range []string{
		`{"a":[1,{"b":"c"}]}`, `{"a":1,"a":2}`, "\ufeff{}", `{"\ud800":1}`, "[[[[", `{"a":01}`, `{"a":-}`, `{"a":1e}`, `{"a":tru}`, `{"a":}`, `{"a":[,]}`,
		"{\"a\":\"\x01\"}", `{"a":"\x"}`, "{\"a\":\"\xff\"}", "{}\x00", `{"a":"\"`, `{"a":1,"a":`, strings.Repeat(`{"a":`, 40), `{"a":1 2}`, `{"a":"b""c"}`, `{"":[]  , "b":{ } }`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := wirejson.Parse(string(b))
		bare := strings.TrimPrefix(string(b), "\ufeff")
		if isObject := json.Valid([]byte(bare)) && strings.TrimLeft(bare, " \t\r\n")[0] == '{'; isObject {
			require.True(t, err == nil || strings.Contains(err.Error(), "names a field twice") || strings.Contains(err.Error(), "nests too deeply"), err)
		} else {
			require.EqualError(t, err, "not one JSON object")
		}
		if err != nil {
			return
		}
		again, err := json.Marshal(o)
		require.NoError(t, err)
		require.Equal(t, decoded(t, bare), decoded(t, string(again)))
	})
}

// decoded keeps numbers as they are written: one may be too large for a float.
func decoded(t *testing.T, text string) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&v))
	return v
}

// Encode writes what encoding/json writes of what Parse read.
func FuzzEncode(f *testing.F) {
	for _, s := range []string{`{"b":{"a":[1,{"b":"c"}],"":null},"a":true}`, `{"a<&>":"\u2028\ud800\"\\\n\u007f"}`, `{}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := wirejson.Parse(string(b))
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
		nil,
		{},
		{"yes": json.RawMessage("true"), "no": json.RawMessage("false"), "spaced": json.RawMessage(` { "a" : "<" } `)},
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

// Fill writes what Encode would, whatever the texts and wherever the gaps are.
func FuzzLayout(f *testing.F) {
	f.Add("a", "b.c", "b.d", "Ada", "<\u2028\xff\"", true)
	f.Add("z", "b", "c", "", "Zoë", false)
	f.Fuzz(func(t *testing.T, first, second, third, one, two string, swap bool) {
		gapped, filled := wirejson.Object{}, wirejson.Object{}
		gaps, texts := []any{wirejson.Gap(0), wirejson.Gap(1)}, []any{one, two}
		if swap {
			slices.Reverse(gaps)
			slices.Reverse(texts)
		}
		if !gapped.Set(first, gaps[0]) || !gapped.Set(second, json.RawMessage(`{"x":1}`)) || !gapped.Set(third, gaps[1]) {
			return
		}
		filled.Set(first, texts[0])
		filled.Set(second, json.RawMessage(`{"x":1}`))
		filled.Set(third, texts[1])
		l, err := gapped.Layout()
		require.NoError(t, err)
		want, err := filled.Encode()
		require.NoError(t, err)
		for range 2 {
			got, err := l.Fill(one, two)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got))
		}
	})
}
