package amsbridge

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSegments(t *testing.T) {
	t.Parallel()
	header, claims, err := segments(b64("a") + "." + b64("bc") + "." + b64("def"))
	require.NoError(t, err)
	require.Equal(t, "a bc", string(header)+" "+string(claims))
	for _, text := range []string{"YQ==.YQ.YQ", "YR.YQ.YQ", "YQ.YR.YQ", "YQ.YQ.YR", "Y\nQ.YQ.YQ", "YQ.YQ\r.YQ", "YQ.YQ.YQ\n", "Y.YQ.YQ", "Y+.YQ.YQ", "Y/.YQ.YQ", " YQ.YQ.YQ", "YQ.YQ.YQ=", "ÿ.YQ.YQ"} {
		_, _, err := segments(text)
		require.Error(t, err, "%q", text)
	}
}

// FuzzFlatObject: the walk takes exactly the objects that the standard decoder
// reads as flat, without a name twice, and reads the same in them.
func FuzzFlatObject(f *testing.F) {
	names := []string{"a", "sub", "exp", `"`, ""}
	for _, seed := range []string{
		`{}`, ` { } `, `{"a":1}`, "{\t\"a\"\n:\r1.5e3 , \"sub\" : \"x\\\"y\\\\\" }", `{"a":true,"sub":false,"exp":null}`, `{"\u0061":"\u00e9\/"}`,
		`{"a":{}}`, `{"a":[]}`, `{"a":1,"a":1}`, `{"a":1,"\u0061":1}`, `{"b":1}`, `{"\"":"}"}`, `{"a":"},{"}`, `[]`, `"a"`, `null`, ``, `{`, `{"a":-0}`, `{"a":1}{}`, `{"":""}`, `{"a":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := flatObject(data, names...)
		want, fit := decodedFlat(data, names)
		require.Equal(t, fit, err == nil, "%v", err)
		if fit {
			require.Equal(t, want, got)
		}
	})
}

// decodedFlat reads the same by the standard decoder's tokens.
func decodedFlat(data []byte, names []string) (map[string]any, bool) {
	if !json.Valid(data) || !bytes.Equal(bytes.ToValidUTF8(data, nil), data) || escapesSurrogate(data) {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	members := map[string]any{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, false
		}
		value, err := dec.Token()
		if _, nested := value.(json.Delim); err != nil || nested || !slices.Contains(names, name.(string)) {
			return nil, false
		}
		if _, twice := members[name.(string)]; twice {
			return nil, false
		}
		members[name.(string)] = value
	}
	return members, true
}
