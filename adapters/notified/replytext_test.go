package notified

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseText(t *testing.T) {
	t.Parallel()
	const call = "APICallResult=0 APICallDiagnostic=OK OpCodesProcessed=1 OpCodesInError=0\n"
	head := reply{result: "0", diagnostic: "OK", processed: "1", inError: "0"}
	with := func(r reply, ops ...opResult) reply {
		r.ops = ops
		return r
	}
	diagnostic := func(s string) reply {
		r := head
		r.diagnostic = s
		return r
	}
	ok := opResult{code: "M", status: "0", message: "OK", rows: []row{{{"AddOnsAdded", "2"}}}}
	for name, c := range map[string]struct {
		body string
		want reply
	}{
		"no signs":             {call + "OpCode=M Status=0 Message=OK\nAddOnsAdded\n2", with(head, ok)},
		"many signs":           {"##### " + call + "#OpCode=M Status=0 Message=OK\nAddOnsAdded\n2", with(head, ok)},
		"blank lines":          {"\ufeff\n \u00a0\n### " + call + "\u00a0\n\t\n## OpCode=M Status=0 Message=OK\n\u00a0\n\u00a0AddOnsAdded\u00a0\n\n \n2\n\u00a0", with(head, ok)},
		"lines end in CR LF":   {"### " + call[:len(call)-1] + "\r\n\r\n## OpCode=M Status=0 Message=OK\r\nAddOnsAdded\r\n2\r\n", with(head, ok)},
		"U+00A0 between":       {"###\u00a0APICallResult=0\u00a0APICallDiagnostic=OK\u00a0OpCodesProcessed=1\u00a0OpCodesInError=0\n##\u00a0OpCode=M\u00a0Status=0\u00a0Message=OK\nAddOnsAdded\n2", with(head, ok)},
		"message of words":     {call + "## OpCode=M Status=71 Message=User Not Found!", with(head, opResult{code: "M", status: "71", message: "User Not Found!"})},
		"message like a line":  {call + "## OpCode=M Status=71 Message=not Status=0 Message=OK", with(head, opResult{code: "M", status: "71", message: "not Status=0 Message=OK"})},
		"no status, but there": {call + "## OpCode=M Message=Status=0", with(head, opResult{code: "M", message: "Status=0"})},
		"no message":           {call + "## OpCode=M Status=71", with(head, opResult{code: "M", status: "71"})},
		"percent-encoded":      {call + "## OpCode=M Status=71 Message=User%20Not%20Found", with(head, opResult{code: "M", status: "71", message: "User Not Found"})},
		"diagnostic of words":  {"### APICallResult=7 APICallDiagnostic=Bad = call OpCodesProcessed=0 of OpCodesProcessed=9 OpCodesInError=8", reply{result: "7", diagnostic: "Bad = call OpCodesProcessed=0 of", processed: "9", inError: "8"}},
		"diagnostic like keys": {"### APICallResult=0 APICallDiagnostic=MyOpCodesInError=3 APICallResult=1 OpCodesProcessed=1 OpCodesInError=0", diagnostic("MyOpCodesInError=3 APICallResult=1")},
		"key within a word":    {call + "## OpCode=M NoStatus=0 Status=71", with(head, opResult{code: "M NoStatus=0", status: "71"})},
		"result alone":         {"### APICallResult=7", reply{result: "7"}},
		"two opcodes": {call + "## OpCode=C Status=0 Message=OK\nUserKey\n5\n## OpCode=M Status=72 Message=No", with(
			head, opResult{code: "C", status: "0", message: "OK", rows: []row{{{"UserKey", "5"}}}}, opResult{code: "M", status: "72", message: "No"})},
		"several values":   {call + "## OpCode=A\nAddOnKey\n1\n2", with(head, opResult{code: "A", rows: []row{{{"AddOnKey", "1"}}, {{"AddOnKey", "2"}}}})},
		"column, no value": {call + "## OpCode=M Status=0\nAddOnsAdded", with(head, opResult{code: "M", status: "0"})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := FormatText.parse(c.body)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestParseTextRefuses(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing":               "",
		"white space":           " \n\u00a0",
		"text":                  "OK",
		"signs":                 "###",
		"no call":               "## OpCode=M Status=0 Message=OK\nAddOnsAdded\n2",
		"call behind":           "## OpCode=M Status=0 Message=OK\n### APICallResult=0",
		"text before":           "Hello\n### APICallResult=0\n## OpCode=M Status=0",
		"text before an opcode": "### APICallResult=0\nHello\n## OpCode=M Status=0",
		"two calls":             "### APICallResult=0\n## OpCode=M Status=0\n### APICallResult=7",
		"two calls, no signs":   "APICallResult=0\nOpCode=M Status=0\nAddOnsAdded\n2\nAPICallResult=7",
		"another order":         "### OpCodesInError=0 APICallResult=7",
		"call in lower case":    "### apicallresult=0\n## OpCode=M Status=0",
		"unknown line of signs": "### APICallResult=0\n## Later=1\n## OpCode=M Status=0",
		"unknown line behind":   "### APICallResult=0\n## OpCode=M Status=0\nAddOnsAdded\n## Later=1",
		"not UTF-8":             "### APICallResult=0 APICallDiagnostic=\xff",
		"login page":            "<!DOCTYPE html>\n<pre>\n### APICallResult=0",
		"XML of the results":    `<APIResults APICallResult="0"/>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := FormatText.parse(body)
			require.ErrorIs(t, err, errNotReply)
			require.Equal(t, reply{}, r)
		})
	}
}

func FuzzParseText(f *testing.F) {
	sample, err := os.ReadFile("testdata/vendor-sample-text.txt")
	require.NoError(f, err)
	f.Add(sample)
	f.Add([]byte(`<CallFailed Diag="Invalid API Credentials Supplied!"/>`))
	f.Add([]byte("###APICallResult=0 OpCodesProcessed=2 OpCodesInError=0\n##OpCode=A Status=0\nAddOnItemKey\n1\n2\n##OpCode=T Status=0\nLoginTicketKey\nx"))
	f.Add([]byte("#APICallResult=0 OpCodesInError=0\n\u00a0\n##OpCode=C Status=0 Message=a Status=1\nA\n1\n2\nOpCode=M"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := FormatText.parse(string(body))
		if err != nil {
			require.ErrorIs(t, err, errNotReply)
			require.Equal(t, reply{}, r)
		}
		requireEarned(t, FormatText, body, string(body))
	})
}
