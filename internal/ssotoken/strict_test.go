package ssotoken

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSegments(t *testing.T) {
	t.Parallel()
	b64 := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	header, claims, signature, err := Segments(b64("a") + "." + b64("bc") + "." + b64("def"))
	require.NoError(t, err)
	require.Equal(t, "a bc def", string(header)+" "+string(claims)+" "+string(signature))
	for _, text := range []string{"YQ==.YQ.YQ", "YR.YQ.YQ", "YQ.YR.YQ", "YQ.YQ.YR", "Y\nQ.YQ.YQ", "YQ.YQ\r.YQ", "YQ.YQ.YQ\n", "Y.YQ.YQ", "Y+.YQ.YQ", "Y/.YQ.YQ", " YQ.YQ.YQ", "YQ.YQ.YQ=", "ÿ.YQ.YQ"} {
		_, _, _, err := Segments(text)
		require.Error(t, err, "%q", text)
	}
}

// FuzzFlatObject: a plain decoder reads the same flat values from what is accepted.
func FuzzFlatObject(f *testing.F) {
	names := []string{"a", "sub", "exp", `"`, ""}
	for _, seed := range []string{
		`{}`, ` { } `, `{"a":1}`, "{\t\"a\"\n:\r1.5e3 , \"sub\" : \"x\\\"y\\\\\" }", `{"a":true,"sub":false,"exp":null}`, `{"\u0061":"\u00e9\/"}`,
		`{"a":{}}`, `{"a":[]}`, `{"a":1,"a":1}`, `{"a":1,"\u0061":1}`, `{"b":1}`, `{"\"":"}"}`, `{"a":"},{"}`, `[]`, `"a"`, `null`, ``, `{`, `{"a":-0}`, `{"a":1}{}`, `{"":""}`, `{"a":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := FlatObject(data, names...)
		if err != nil {
			return
		}
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber()
		var plain map[string]any
		require.NoError(t, decoder.Decode(&plain))
		require.Equal(t, plain, got)
		for name, value := range got {
			require.Contains(t, names, name)
			switch value.(type) {
			case nil, bool, string, json.Number:
			default:
				t.Fatalf("%s is a %T", name, value)
			}
		}
	})
}

func TestFlatObject(t *testing.T) {
	t.Parallel()
	got, err := FlatObject([]byte(` {"\u0061":"x\"y", "b":-1.5e3 ,"c":null,"d":true} `), "a", "b", "c", "d")
	require.NoError(t, err)
	require.Equal(t, map[string]any{"a": `x"y`, "b": json.Number("-1.5e3"), "c": nil, "d": true}, got)
	for _, bad := range []string{
		``, `null`, `[]`, `"a"`, `{`, `{}{}`, `{} x`, `{"a":{}}`, `{"a":[]}`, `{"a":1,"a":1}`, `{"a":1,"\u0061":1}`, `{"A":1}`, `{"e":1}`,
		`{"a":"\ud800"}`, `{"a":"\uDC00\ud800"}`, "{\"a\":\"\xff\"}", `{"a":01}`, `{"a":1,}`, "\ufeff{}",
	} {
		_, err := FlatObject([]byte(bad), "a", "b", "c", "d")
		require.Error(t, err, bad)
	}
}

// A member that the decoder drops for a later one of the same name is found.
func TestFlatObjectFindsHiddenMembers(t *testing.T) {
	t.Parallel()
	for bad, problem := range map[string]string{
		`{"a":{"b":1},"a":1}`:       "a member stands twice",
		`{"a":[],"a":1}`:            "a member stands twice",
		`{"a":":","\u0061":":"}`:    "a member stands twice",
		`{"a":1,"b":2,"a":3}`:       "a member stands twice",
		`{"x":1,"a":2,"a":3}`:       "a member is not known",
		`{"a":{"a":1}}`:             "a is an object or a list",
		`{"a":"\\","b":"\"\ud800"}`: "a surrogate is escaped",
	} {
		_, err := FlatObject([]byte(bad), "a", "b")
		require.EqualError(t, err, problem, bad)
	}
	got, err := FlatObject([]byte(`{"a":":\":\\","b":"{:\\ud800:}"}`), "a", "b")
	require.NoError(t, err)
	require.Equal(t, map[string]any{"a": `:":\`, "b": `{:\ud800:}`}, got)
}
