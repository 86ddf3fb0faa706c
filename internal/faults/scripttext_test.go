package faults_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/faults"
)

const scriptText = `{"seed":18446744073709551615,"rate":0.3,"faults":[{"kind":"cut after"},{"kind":"throttle","retry_after":"2"}],` +
	`"calls":{"3":{"kind":"login page"},"10":{"kind":"slow","delay":"1.5s"}},` +
	`"users":{"U-1":[{"kind":"server error","effect":true},{"kind":"none"},{"kind":"reply","body":"{\"success\":false}","status":422,"content_type":"text/json"}],"U-2":[]}}`

func TestParseScript(t *testing.T) {
	t.Parallel()
	s, err := faults.ParseScript("sandbox", []byte("\ufeff "+scriptText+"\n"))
	require.NoError(t, err)
	require.Equal(t, faults.Script{
		Seed: 1<<64 - 1, Rate: 0.3,
		Faults: []faults.Fault{{Kind: faults.CutAfter}, {Kind: faults.Throttle, RetryAfter: "2"}},
		Calls: map[int]faults.Fault{
			3: {Kind: faults.LoginPage}, 10: {Kind: faults.Slow, Delay: 1500 * time.Millisecond},
		},
		Users: map[string][]faults.Fault{
			"U-1": {{Kind: faults.ServerError, Effect: true}, {}, {Kind: faults.Reply, Body: `{"success":false}`, Status: 422, ContentType: "text/json"}},
			"U-2": {},
		},
	}, s)
	b, err := json.Marshal(s)
	require.NoError(t, err)
	require.JSONEq(t, scriptText, string(b))
	s, err = faults.ParseScript("sandbox", []byte("{}"))
	require.NoError(t, err)
	require.Equal(t, faults.Script{}, s)
}

func TestParseScriptNamesWhatItRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, field, problem string }{
		{``, "script", "is not JSON from line 1 on"},
		{`[]`, "script", "is not an object"},
		{`{`, "script", "is not JSON from line 1 on"},
		{`{} {}`, "script", "followed"},
		{"{\"users\":{\"\xff\":[]}}", "script", "UTF-8"},
		{strings.Repeat(" ", faults.MaxScript) + "{}", "script", "256 KiB"},
		{`{"rate":1,"rate":1}`, "script.rate", "twice"},
		{"{\n\"rate\":}", "script", "is not JSON from line 2 on"},
		{`{"Rate":1}`, "script.Rate", "not a known field"},
		{`{"` + strings.Repeat("x\\u0007", 99) + `":1}`, "script." + strings.Repeat("x ", 32), "not a known field"},
		{`{"rate":"1"}`, "script.rate", "not a number"},
		{`{"rate":null}`, "script.rate", "is null"},
		{`{"rate":-1}`, "script.rate", "from 0 to 1"},
		{`{"seed":-1}`, "script.seed", "whole number"},
		{`{"seed":18446744073709551616}`, "script.seed", "whole number"},
		{`{"faults":{}}`, "script.faults", "list"},
		{`{"faults":[null]}`, "script.faults[0]", "is null"},
		{`{"faults":[{"kind":"cut after"},{"kind":"Cut after"}]}`, "script.faults[1].kind", "name of a fault"},
		{`{"faults":[{}]}`, "script.faults[0].kind", "name of a fault"},
		{`{"faults":[{"kind":"throttle","retryafter":"1"}]}`, "script.faults[0].retryafter", "not a known field"},
		{`{"faults":[{"kind":"throttle","retry_after":1}]}`, "script.faults[0].retry_after", "not a text"},
		{`{"faults":[{"kind":"slow","delay":50}]}`, "script.faults[0].delay", "not a text"},
		{`{"faults":[{"kind":"slow","delay":"50"}]}`, "script.faults[0].delay", "not a time"},
		{`{"faults":[{"kind":"slow"}]}`, "script.faults[0].delay", "missing"},
		{`{"faults":[{"kind":"garbage","body":{}}]}`, "script.faults[0].body", "not a text"},
		{`{"faults":[{"kind":"throttle","effect":"yes"}]}`, "script.faults[0].effect", "true or false"},
		{`{"faults":[{"kind":"hold after","hold":{}}]}`, "script.faults[0].hold", "not a known field"},
		{`{"faults":[{"kind":"reply","status":"200"}]}`, "script.faults[0].status", "whole number"},
		{`{"faults":[{"kind":"reply","status":100}]}`, "script.faults[0].status", "200 to 599"},
		{`{"faults":[{"kind":"reply","content_type":1}]}`, "script.faults[0].content_type", "not a text"},
		{`{"calls":{"03":{"kind":"none"}}}`, `script.calls["03"]`, "not the number"},
		{`{"calls":{"-1":{"kind":"none"}}}`, `script.calls["-1"]`, "counted from 1"},
		{`{"calls":{"1":[]}}`, `script.calls["1"]`, "not an object"},
		{`{"calls":null}`, `script.calls`, "is null"},
		{`{"users":{"U-1":{"kind":"none"}}}`, `script.users["U-1"]`, "list"},
		{`{"users":{"U-1":[{"kind":"what"}]}}`, `script.users["U-1"][0].kind`, "name of a fault"},
	} {
		s, err := faults.ParseScript("sandbox", []byte(c.text))
		var bad *amsbridge.InputError
		require.ErrorAs(t, err, &bad, c.text)
		require.Equal(t, "sandbox", bad.Package)
		require.Equal(t, c.field, bad.Field)
		require.Contains(t, bad.Problem, c.problem, c.text)
		require.Zero(t, s)
	}
}

func TestScriptsThatTextCannotHold(t *testing.T) {
	t.Parallel()
	for _, s := range []faults.Script{
		{Faults: []faults.Fault{{Kind: faults.HoldAfter, Hold: faults.NewHold()}}},
		{Faults: []faults.Fault{{Kind: faults.Garbage, Body: "\xff"}}},
		{Faults: []faults.Fault{{Kind: faults.Reply, Body: "\xc3", ContentType: "\xa4"}}},
		{Calls: map[int]faults.Fault{1: {Kind: faults.Throttle, RetryAfter: "\xff"}}},
		{Users: map[string][]faults.Fault{"\xff": nil}},
	} {
		require.NoError(t, follow(s))
		_, err := json.Marshal(s)
		require.Error(t, err)
	}
	b, err := json.Marshal(faults.Script{Users: map[string][]faults.Fault{"U-1": nil}})
	require.NoError(t, err)
	require.Equal(t, `{"users":{"U-1":[]}}`, string(b))
}

func FuzzParseScript(f *testing.F) {
	for _, text := range []string{
		scriptText, "{}", "\ufeff{}", `{"rate":1e-9}`, `{"faults":[{"kind":"hold after","delay":"1ns"}]}`, `{"calls":{"1":{"kind":"none"}}} x`,
		`{"users":{"\ud800":[]}}`, `{"users":{"a":[],"a":[]}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := faults.ParseScript("sandbox", text)
		if err != nil {
			var bad *amsbridge.InputError
			require.ErrorAs(t, err, &bad)
			require.NotEmpty(t, bad.Field)
			return
		}
		b, err := json.Marshal(s)
		require.NoError(t, err)
		again, err := faults.ParseScript("sandbox", b)
		require.NoError(t, err, string(b))
		require.Equal(t, written(t, s), written(t, again), "writing and reading changes nothing")
	})
}

// written returns a script's text, in which empty and missing lists are the same.
func written(t *testing.T, s faults.Script) string {
	t.Helper()
	b, err := json.Marshal(s)
	require.NoError(t, err)
	return string(b)
}

func ExampleScript() {
	s, err := faults.ParseScript("sandbox", []byte(`{"seed": 7, "calls": {"2": {"kind": "cut after"}}, "users": {"U-1": [{"kind": "throttle", "retry_after": "2"}]}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	var plan faults.Plan
	if err := plan.Follow("sandbox", s); err != nil {
		fmt.Println(err)
		return
	}
	for _, user := range []string{"U-1", "U-1", "U-1"} {
		fmt.Println(plan.TakeFor(faults.Call{User: user}).Kind)
	}
	// Output:
	// throttle
	// cut after
	// none
}
