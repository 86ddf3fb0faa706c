package strictjson_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/strictjson"
)

type product struct {
	Title string `json:"title,omitempty"`
	Count int    `json:"count"`
}

type file struct {
	Name     string             `json:"name"`
	Rate     float64            `json:"rate"`
	Seed     uint64             `json:"seed"`
	On       bool               `json:"on"`
	Products []product          `json:"products"`
	ByID     map[string]product `json:"by_id"`
	Raw      json.RawMessage    `json:"raw"`
	Any      any                `json:"any"`
	Hidden   string             `json:"-"`
	Untagged string
}

func TestUnmarshalFillsTheTarget(t *testing.T) {
	t.Parallel()
	var got file
	require.Nil(t, strictjson.Unmarshal([]byte(`{"name":"n","rate":0.5,"seed":18446744073709551615,"on":true,`+
		`"products":[{"title":"t","count":-2},{}],"by_id":{"a":{"count":1}},"raw":{"b": null, "a":[1]},"any":{"x":[7,null]}}`+"\n"), &got))
	require.Equal(t, file{
		Name: "n", Rate: 0.5, Seed: 1<<64 - 1, On: true, Products: []product{{Title: "t", Count: -2}, {}},
		ByID: map[string]product{"a": {Count: 1}}, Raw: json.RawMessage(`{"b": null, "a":[1]}`),
		Any: map[string]any{"x": []any{json.Number("7"), nil}},
	}, got)

	var list any
	require.Nil(t, strictjson.Unmarshal([]byte(` [{"a":"x"},null] `), &list))
	require.Equal(t, []any{map[string]any{"a": "x"}, nil}, list)

	members := map[string]any{}
	require.Nil(t, strictjson.Unmarshal([]byte(`{"a":1,"A":"\u00e9","b":null}`), &members))
	require.Equal(t, map[string]any{"a": json.Number("1"), "A": "é", "b": nil}, members, "names are compared letter for letter")
}

func TestUnmarshalNamesWhatItRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, field, problem string }{
		{``, "file", "is not JSON from line 1 on"},
		{"{\n\"name\":\n!", "file", "is not JSON from line 3 on"},
		{`{"name":"n"`, "file", "is not JSON from line 1 on"},
		{`{"name":"n",}`, "file", "is not JSON from line 1 on"},
		{`{"name":"n" "on":true}`, "file", "is not JSON from line 1 on"},
		{`{"products":[{},}`, "file", "is not JSON from line 1 on"},
		{`{"rate":01}`, "file", "is not JSON from line 1 on"},
		{"\ufeff{}", "file", "is not JSON from line 1 on"},
		{`[]`, "file", "is not an object"},
		{`null`, "file", "is not an object"},
		{`"name"`, "file", "is not an object"},
		{`{}{}`, "file", "is followed by more text"},
		{"{}\x00", "file", "is followed by more text"},
		{"{\"name\":\"\xff\"}", "file", "is not valid UTF-8"},
		{`{"nmae":"n"}`, "file.nmae", "is not a known field"},
		{`{"Name":"n"}`, "file.Name", "is not a known field"},
		{`{"Hidden":"n"}`, "file.Hidden", "is not a known field"},
		{`{"-":"n"}`, "file.-", "is not a known field"},
		{`{"Untagged":"n"}`, "file.Untagged", "is not a known field"},
		{`{"` + strings.Repeat("é", 99) + `":1}`, "file." + strings.Repeat("é", 32), "is not a known field"},
		{`{"a\u0007` + strings.Repeat("é", 99) + `":1}`, "file.a " + strings.Repeat("é", 31), "is not a known field"},
		{`{"name":"a","on":true,"name":"b"}`, "file.name", "stands there twice"},
		{`{"name":"a","n\u0061me":"b"}`, "file.name", "stands there twice"},
		{`{"by_id":{"x":{},"x":{}}}`, `file.by_id["x"]`, "stands there twice"},
		{`{"any":[{"x":[0,{"y":1,"y":2}]}]}`, `file.any[0]["x"][1]["y"]`, "stands there twice"},
		{`{"raw":{"y":1,"y":2}}`, `file.raw["y"]`, "stands there twice"},
		{`{"name":null}`, "file.name", "is null; leave it out instead"},
		{`{"products":null}`, "file.products", "is null; leave it out instead"},
		{`{"products":[null]}`, "file.products[0]", "is null; leave it out instead"},
		{`{"by_id":{"x":null}}`, `file.by_id["x"]`, "is null; leave it out instead"},
		{`{"name":7}`, "file.name", "is not a text"},
		{`{"name":["n"]}`, "file.name", "is not a text"},
		{`{"on":"true"}`, "file.on", "is not true or false"},
		{`{"on":0}`, "file.on", "is not true or false"},
		{`{"rate":"1"}`, "file.rate", "is not a number"},
		{`{"seed":-1}`, "file.seed", "is not a whole number in range"},
		{`{"seed":18446744073709551616}`, "file.seed", "is not a whole number in range"},
		{`{"products":{}}`, "file.products", "is not a list"},
		{`{"products":[{},{"count":1.5}]}`, "file.products[1].count", "is not a whole number in range"},
		{`{"products":["t"]}`, "file.products[0]", "is not an object"},
		{`{"by_id":[]}`, "file.by_id", "is not an object"},
		{`{"any":` + strings.Repeat("[", 33) + strings.Repeat("]", 33) + `}`, "file", "nests too deeply"},
		{`{"raw":` + strings.Repeat(`{"a":`, 50_000), "file", "nests too deeply"},
	} {
		err := strictjson.Unmarshal([]byte(c.text), new(file))
		require.NotNil(t, err, c.text)
		refused := err.InputError("shop", "file")
		require.Equal(t, "shop: "+c.field+" "+c.problem, refused.Error(), c.text)
		require.Equal(t, c.field, refused.Field)
		require.Equal(t, "JSON"+strings.TrimPrefix(c.field, "file")+" "+err.Problem, err.Error())
		about := "the file " + err.Problem
		if c.field != "file" {
			about = "a field of " + about
		}
		require.Equal(t, about, err.About("the file"))
	}
	deep := `{"any":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`
	require.Nil(t, strictjson.Unmarshal([]byte(deep), new(file)))
}

// What is accepted is what encoding/json reads, and none of its names is given twice. What is refused
// is not JSON, or breaks a rule of this package.
func FuzzUnmarshal(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,{"b":"c"}]}`, `{"a":1,"a":2}`, "\ufeff{}", `{"\ud800":1,"\ud801":1}`, "[[[[", `{"a":01}`, `{"a":-}`, `{"a":1e}`, `{"a":tru}`, `{"a":}`,
		`{"a":[,]}`, "{\"a\":\"\x01\"}", `{"a":"\x"}`, "{\"a\":\"\xff\"}", "{}\x00", `{"a":"\"`, `{"a":1,"a":`, strings.Repeat(`{"a":`, 40), `{"a":1 2}`,
		`{"a":"b""c"}`, `{"":[]  , "b":{ } }`, `{1:2}`, `{]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := map[string]any{}
		err := strictjson.Unmarshal(text, &got)
		var want any
		isJSON := json.Valid(text)
		if isJSON {
			dec := json.NewDecoder(bytes.NewReader(text))
			dec.UseNumber()
			require.NoError(t, dec.Decode(&want))
		}
		object, isObject := want.(map[string]any)
		switch {
		case err == nil:
			require.True(t, isObject)
			require.Equal(t, object, got)
			require.Equal(t, names(t, text), members(got), "no name stands twice")
		case isObject && utf8.Valid(text):
			require.Contains(t, []string{"stands there twice", "nests too deeply"}, err.Problem)
		}
	})
}

// names counts the names in a text.
func names(t *testing.T, text []byte) (n int) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	var open []json.Token
	name := false // whether a name comes next
	for {
		token, err := dec.Token()
		if err != nil {
			return n
		}
		switch {
		case token == json.Delim('{'), token == json.Delim('['):
			open = append(open, token)
		case token == json.Delim('}'), token == json.Delim(']'):
			open = open[:len(open)-1]
		case name:
			n++
			name = false
			continue
		}
		name = len(open) > 0 && open[len(open)-1] == json.Delim('{')
	}
}

// members counts the members of all objects in a value.
func members(v any) (n int) {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			n += 1 + members(inner)
		}
	case []any:
		for _, inner := range v {
			n += members(inner)
		}
	}
	return n
}

// A hostile text costs memory in proportion to its length, however deep its values are.
func TestUnmarshalIsBounded(t *testing.T) {
	name := `{"` + strings.Repeat("n", 64) + `":`
	text := []byte(strings.Repeat(name, 30) + "[0" + strings.Repeat(",0", 30_000) + "]" + strings.Repeat("}", 30))
	var got any
	require.Nil(t, strictjson.Unmarshal(text, &got))
	cost := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			_ = strictjson.Unmarshal(text, &got)
		}
	})
	require.Less(t, cost.AllocedBytesPerOp(), int64(10<<20))
}
