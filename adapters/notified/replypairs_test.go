package notified

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func TestParsePairs(t *testing.T) {
	t.Parallel()
	const head = "APICallResult=0&APICallDiagnostic=OK&OpCodesProcessed=1&OpCodesInError=0"
	one := func(op opResult) []opResult { return []opResult{op} }
	for name, c := range map[string]struct {
		ops  string
		want []opResult
	}{
		"form-encoded":            {"&OpCode=M&Status=71&Message=User+Not%20Found%21", one(opResult{code: "M", status: "71", message: "User Not Found!"})},
		"encoded twice":           {"&OpCode=M&Message=User%2520Not%2520Found!", one(opResult{code: "M", message: "User Not Found!"})},
		"raw semicolon":           {"&OpCode=M&Message=no;really;no&Status=51", one(opResult{code: "M", status: "51", message: "no;really;no"})},
		"equals sign in a value":  {"&OpCode=M&Message=a=b&Status=51", one(opResult{code: "M", status: "51", message: "a=b"})},
		"encoded separators":      {"&OpCode=M&Message=a%26Status%3D0&Status=51", one(opResult{code: "M", status: "51", message: "a&Status=0"})},
		"only looks encoded":      {"&OpCode=M&Message=100%+sure%2C%zz%2", one(opResult{code: "M", message: "100% sure,%zz%2"})},
		"encoded key":             {"&OpCode=M&AddOns%41dded=2", one(opResult{code: "M", rows: []row{{{"AddOnsAdded", "2"}}}})},
		"unknown key in the head": {"&Later=1&OpCode=M", one(opResult{code: "M"})},
		"empty pairs":             {"&&OpCode=M&\n", one(opResult{code: "M"})},
		"a block for each opcode": {"&OpCode=C&Status=0&Message=OK&UserKey=5&OpCode=M&Status=72&Message=No", []opResult{
			{code: "C", status: "0", message: "OK", rows: []row{{{"UserKey", "5"}}}}, {code: "M", status: "72", message: "No"},
		}},
		"the same opcode twice": {"&OpCode=M&Status=0&OpCode=M&Status=71", []opResult{{code: "M", status: "0"}, {code: "M", status: "71"}}},
		"rows of two columns": {"&OpCode=A&Key=1&Name=a&Key=2&Name=b", one(opResult{code: "A", rows: []row{
			{{"Key", "1"}, {"Name", "a"}}, {{"Key", "2"}, {"Name", "b"}},
		}})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := FormatPairs.parse(head + c.ops)
			require.NoError(t, err)
			require.Equal(t, reply{result: "0", diagnostic: "OK", processed: "1", inError: "0", ops: c.want}, got)
		})
	}
}

func TestParsePairsRefuses(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing":             "",
		"white space":         " \n\u00a0",
		"text":                "OK",
		"another form":        "a=1&b=2",
		"no head":             "OpCode=M&Status=0&Message=OK&AddOnsAdded=2",
		"head in lower case":  "apicallresult=0&OpCode=M",
		"head behind":         "OpCode=M&Status=0&APICallResult=0",
		"two replies in one":  "APICallResult=0&OpCode=M&Status=0&APICallResult=7",
		"key of head twice":   "APICallResult=7&APICallResult=0&OpCode=M",
		"empty, then another": "APICallResult=&APICallResult=0&OpCode=M",
		"status twice":        "APICallResult=0&OpCode=M&Status=71&Status=0",
		"message twice":       "APICallResult=0&OpCode=M&Message=a&Message=b",
		"no equals sign":      "APICallResult=0&OpCode=M&Message=this & that&Status=0",
		"not UTF-8":           "APICallResult=0&OpCode=M&Message=\xff",
		"login page":          "<!DOCTYPE html><html><a href='?APICallResult=0&OpCode=M'>",
		"XML of the results":  `<APIResults APICallResult="0"/>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := FormatPairs.parse(body)
			require.ErrorIs(t, err, errNotReply)
			require.Equal(t, reply{}, r)
		})
	}
}

func FuzzParsePairs(f *testing.F) {
	sample, err := os.ReadFile("testdata/vendor-sample-pairs.txt")
	require.NoError(f, err)
	f.Add(sample)
	f.Add([]byte(`<CallFailed Diag="Invalid API Credentials Supplied!"/>`))
	f.Add([]byte("APICallResult=0&OpCodesProcessed=3&OpCodesInError=0&OpCode=K&Status=0&ShowPackageKey=7&OpCode=A&Status=0&AddOnItemKey=1&AddOnItemKey=2&OpCode=T&Status=0&LoginTicketKey=x"))
	f.Add([]byte("APICallResult=0&OpCode=C&Status=0&OpCode=M&Status=71&Message=a;b%2&A=1&A=2"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := FormatPairs.parse(string(body))
		if err != nil {
			require.ErrorIs(t, err, errNotReply)
			require.Equal(t, reply{}, r)
		}
		requireEarned(t, FormatPairs, body, unescape(string(body)))
	})
}

// requireEarned checks that a success has the parts of the vendor's sample, each with a value of
// success. The totals may be left out.
func requireEarned(t *testing.T, format OutputFormat, body []byte, read string) {
	t.Helper()
	requireStepsOrReason(t, format, body)
	if _, d := judge(format, "M", body); d != nil {
		return
	}
	for _, key := range []string{"APICallResult=", "OpCode=M", "Status=", "AddOnsAdded"} {
		require.Contains(t, read, key)
	}
	require.NotContains(t, strings.TrimSpace(read)[:1], "<")
}

// requireStepsOrReason reads a reply as one to the opcodes that it names. Each step must be one of
// them, in order, and a failure must give a reason without the ticket.
func requireStepsOrReason(t *testing.T, format OutputFormat, body []byte) {
	t.Helper()
	codes := "M"
	if r, err := format.parse(string(body)); err == nil && len(r.ops) > 0 {
		codes = ""
		for _, op := range r.ops {
			if _, known := opcodes[(op.code + " ")[0]]; known && len(op.code) == 1 {
				codes += op.code
			}
		}
	}
	steps, d := judge(format, codes, body)
	require.LessOrEqual(t, len(steps), len(codes))
	for i, s := range steps {
		require.Equal(t, codes[i:i+1], s.OpCode)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", s, s, s), "LoginTicketKey=")
		if d == nil {
			require.Zero(t, s.Status)
			require.Equal(t, s.OpCode == "T", s.Ticket.Key() != "")
			require.Equal(t, s.OpCode == "K", s.ShowPackageKey > 0)
		}
	}
	if d == nil {
		require.Len(t, steps, len(codes))
		return
	}
	require.NotEqual(t, outbox.OutcomeNone, d.Outcome)
	require.NotEmpty(t, d.Reason)
}
