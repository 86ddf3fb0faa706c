package notified

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// results lays out a reply: APICallResult, OpCodesProcessed, OpCodesInError and
// what stands inside.
func results(result, processed, inError, inside string) string {
	return fmt.Sprintf(`<APIResults APICallResult="%s" APICallDiagnostic="OK" OpCodesProcessed="%s" OpCodesInError="%s">%s</APIResults>`,
		result, processed, inError, inside)
}

func op(code, status, message, inside string) string {
	return fmt.Sprintf(`<OpCodeResult OpCode="%s" Status="%s" Message="%s">%s</OpCodeResult>`, code, status, message, inside)
}

func added(n string) string {
	return "<ResultRow><AddOnsAdded>" + n + "</AddOnsAdded></ResultRow>"
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const (
		delivered    = outbox.OutcomeDelivered
		alreadyDone  = outbox.OutcomeAlreadyDone
		rejected     = outbox.OutcomeRejected
		notReady     = outbox.OutcomeNotReady
		unauthorized = outbox.OutcomeUnauthorized
		unknown      = outbox.OutcomeUnknown
	)
	ok := func(n string) string { return results("0", "1", "0", op("M", "0", "OK", added(n))) }
	for name, c := range map[string]struct {
		body   string
		repeat bool
		want   outbox.Outcome
		code   string
		reason string
	}{
		"all added":                   {body: ok("2"), want: delivered, code: "0"},
		"all added on a repeat":       {body: ok("2"), repeat: true, want: delivered, code: "0"},
		"count with spaces":           {body: ok(" 2\u00a0"), want: delivered, code: "0"},
		"vendor's sample, 3 not 2":    {body: string(vendorSample(t)), want: rejected, code: "0", reason: "added 3 add-ons where 2"},
		"fewer added":                 {body: ok("1"), want: rejected, code: "0", reason: "a person must look"},
		"fewer added on a repeat":     {body: ok("1"), repeat: true, want: alreadyDone, code: "0"},
		"none added on a repeat":      {body: ok("0"), repeat: true, want: alreadyDone, code: "0"},
		"more added on a repeat":      {body: ok("3"), repeat: true, want: rejected, code: "0"},
		"no count":                    {body: results("0", "1", "0", op("M", "0", "OK", "")), want: unknown},
		"count is no number":          {body: ok("many"), want: unknown},
		"count is negative":           {body: ok("-1"), repeat: true, want: unknown},
		"count overflows":             {body: ok("99999999999999999999"), want: unknown},
		"count twice":                 {body: ok("2</AddOnsAdded><AddOnsAdded>2"), want: unknown},
		"two rows":                    {body: results("0", "1", "0", op("M", "0", "OK", added("2")+added("2"))), want: unknown},
		"no such person":              {body: results("0", "1", "1", op("M", "71", "User Not Found!", "")), want: notReady, code: "71", reason: "User Not Found!"},
		"not registered":              {body: results("0", "0", "1", op("M", "72", "User%20Not%20Registered!", "")), want: notReady, code: "72", reason: "User Not Registered!"},
		"71 and the call failed too":  {body: results("1", "1", "1", op("M", "71", "", "")), want: notReady, code: "71"},
		"71 with a count":             {body: results("0", "1", "0", op("M", "71", "", added("2"))), want: notReady, code: "71"},
		"unknown status":              {body: results("0", "1", "1", op("M", "12345", "Oh no!", "")), want: rejected, code: "12345", reason: "Oh no!"},
		"negative status":             {body: results("0", "1", "1", op("M", "-1", "", "")), want: rejected, code: "-1"},
		"status is no number":         {body: results("0", "1", "0", op("M", "OK", "", added("2"))), want: unknown},
		"no status":                   {body: results("0", "1", "0", `<OpCodeResult OpCode="M">`+added("2")+`</OpCodeResult>`), want: unknown},
		"another opcode":              {body: results("0", "1", "0", op("I", "0", "OK", added("2"))), want: unknown},
		"opcode in lower case":        {body: results("0", "1", "0", op("m", "0", "OK", added("2"))), want: unknown},
		"M is second":                 {body: results("0", "2", "0", op("I", "0", "OK", "")+op("M", "0", "OK", added("2"))), want: unknown},
		"M twice":                     {body: results("0", "1", "0", op("M", "0", "OK", added("2"))+op("M", "71", "", "")), want: unknown},
		"no opcode":                   {body: results("0", "0", "0", ""), want: unknown},
		"no call result":              {body: results("", "1", "0", op("M", "0", "OK", added("2"))), want: unknown},
		"call result with status 0":   {body: results("7", "1", "0", op("M", "0", "OK", added("2"))), want: unknown},
		"none processed":              {body: results("0", "0", "0", op("M", "0", "OK", added("2"))), want: unknown},
		"two processed":               {body: results("0", "2", "0", op("M", "0", "OK", added("2"))), want: unknown},
		"one in error with status 0":  {body: results("0", "1", "1", op("M", "0", "OK", added("2"))), want: unknown},
		"call result alone":           {body: results("7", "0", "0", ""), want: rejected, code: "APICallResult 7"},
		"credentials":                 {body: `<CallFailed Diag="Invalid API Credentials Supplied!"/>`, want: unauthorized, code: "CallFailed", reason: "refuses our credentials: Invalid"},
		"credentials, curly quotes":   {body: "<CallFailed Diag=\u201dInvalid%20API%20Credentials%20Supplied!\u201d/>", want: unauthorized, code: "CallFailed"},
		"credentials by call result":  {body: `<APIResults APICallResult="3" APICallDiagnostic="Invalid API credentials"/>`, want: unauthorized, code: "APICallResult 3"},
		"call failed for another why": {body: `<CallFailed Diag="Database down"/>`, want: unknown, code: "CallFailed", reason: "Database down"},
		"call failed with results":    {body: `<CallFailed>` + ok("2") + `</CallFailed>`, want: unknown, code: "CallFailed"},
		"text format":                 {body: "### APICallResult=0 APICallDiagnostic=OK OpCodesProcessed=1 OpCodesInError=0\n## OpCode=M Status=0 Message=OK\nAddOnsAdded\n2\n", want: unknown},
		"login page":                  {body: "<!DOCTYPE html><html><p>APICallResult AddOnsAdded 2</html>", want: unknown},
		"nothing":                     {want: unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, d := judge(FormatXML, []byte(c.body), false, 2, c.repeat)
			if c.want == delivered || c.want == alreadyDone {
				require.Nil(t, d)
				require.Equal(t, c.want == alreadyDone, result.AlreadyDone)
				require.Equal(t, c.code, result.Code)
				require.NotNil(t, amsbridge.DecodeReceipt(result.Receipt).AddOnsAdded)
				return
			}
			require.NotNil(t, d)
			require.Equal(t, outbox.Result{}, result)
			require.Equal(t, c.want, d.Outcome, d.Error())
			require.Equal(t, c.code, d.Code)
			require.NotEmpty(t, d.Reason)
			require.Contains(t, d.Reason, c.reason)
		})
	}
	_, d := judge(FormatXML, []byte(ok("2")), true, 2, false)
	require.NotNil(t, d, "a truncated reply is none")
	require.Equal(t, unknown, d.Outcome)
}
