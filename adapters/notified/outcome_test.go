package notified

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// results writes a reply: APICallResult, OpCodesProcessed, OpCodesInError and the results inside.
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

// judge reads a reply to a call of these opcodes.
func judge(f OutputFormat, codes string, body []byte) ([]Step, *outbox.DeliveryError) {
	r, err := f.parse(string(body))
	if err != nil {
		return nil, notOurs(err.Error())
	}
	r.quote(strings.TrimSpace)
	return Config{Names: DefaultNames(), BaseURL: BaseURL}.judge(codes, r)
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const (
		delivered    = outbox.OutcomeDelivered
		rejected     = outbox.OutcomeRejected
		notReady     = outbox.OutcomeNotReady
		unauthorized = outbox.OutcomeUnauthorized
		unknown      = outbox.OutcomeUnknown
	)
	ok := func(n string) string { return results("0", "1", "0", op("M", "0", "OK", added(n))) }
	for name, c := range map[string]struct {
		body   string
		want   outbox.Outcome
		code   string
		reason string
	}{
		"all added":                   {body: ok("3"), want: delivered},
		"status with leading zeros":   {body: results("0", "1", "0", op("M", "00", "OK", added("3"))), want: delivered},
		"totals left out":             {body: results("0", "", "", op("M", "0", "OK", added("3"))), want: delivered},
		"a total that is no number":   {body: results("0", "1", "none", op("M", "0", "OK", added("3"))), want: unknown},
		"count with spaces":           {body: ok(" 3\u00a0"), want: delivered},
		"vendor's sample":             {body: string(vendorSample(t)), want: delivered},
		"no count":                    {body: results("0", "1", "0", op("M", "0", "OK", "")), want: unknown},
		"count is no number":          {body: ok("many"), want: unknown},
		"count is negative":           {body: ok("-1"), want: unknown},
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
		"status with a sign":          {body: results("0", "1", "0", op("M", "-0", "OK", added("2"))), want: unknown},
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
		"call result alone":           {body: results("7", "0", "0", ""), want: outbox.OutcomeUnavailable, code: "APICallResult 7"},
		"credentials":                 {body: `<CallFailed Diag="Invalid API Credentials Supplied!"/>`, want: unauthorized, code: "CallFailed", reason: "refuses our credentials: Invalid"},
		"credentials, curly quotes":   {body: "<CallFailed Diag=\u201dInvalid%20API%20Credentials%20Supplied!\u201d/>", want: unauthorized, code: "CallFailed"},
		"credentials by call result":  {body: `<APIResults APICallResult="3" APICallDiagnostic="Invalid API credentials"/>`, want: unauthorized, code: "APICallResult 3"},
		"call failed for another why": {body: `<CallFailed Diag="Database down"/>`, want: unknown, code: "CallFailed", reason: "Database down"},
		"status root":                 {body: `<APIStatus Code="3" Diag="Database down"/>`, want: unknown, code: "APIStatus 3", reason: "the show key right?: Database down"},
		"status root, all well":       {body: `<APIStatus Code="0" Diag="OK"/>`, want: unknown, code: "APIStatus 0"},
		"status root, no number":      {body: `<APIStatus Code="planted" Diag="Invalid credentials"/>`, want: unauthorized, code: "APIStatus"},
		"status root with results":    {body: `<APIStatus Code="0">` + op("M", "0", "OK", added("2")) + `</APIStatus>`, want: unknown, code: "APIStatus 0"},
		"call failed with results":    {body: `<CallFailed>` + ok("2") + `</CallFailed>`, want: unknown, code: "CallFailed"},
		"text format":                 {body: "### APICallResult=0 APICallDiagnostic=OK OpCodesProcessed=1 OpCodesInError=0\n## OpCode=M Status=0 Message=OK\nAddOnsAdded\n2\n", want: unknown},
		"login page":                  {body: "<!DOCTYPE html><html><p>APICallResult AddOnsAdded 2</html>", want: unknown},
		"nothing":                     {want: unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps, d := judge(FormatXML, "M", []byte(c.body))
			if c.want == delivered {
				require.Nil(t, d)
				require.Equal(t, 3, steps[0].AddOnsChanged)
				return
			}
			require.NotNil(t, d)
			require.Equal(t, c.want, d.Outcome, d.Error())
			require.Equal(t, c.code, d.Code)
			require.NotEmpty(t, d.Reason)
			require.Contains(t, d.Reason, c.reason)
		})
	}
}

// chain returns a reply to a call of several opcodes. heads are APICallResult, OpCodesProcessed and
// OpCodesInError.
func chain(heads string, ops ...opResult) reply {
	h := strings.Split(heads, " ")
	return reply{result: h[0], processed: h[1], inError: h[2], diagnostic: "OK", ops: ops}
}

func ran(code, status string, rows ...row) opResult {
	return opResult{code: code, status: status, message: "so " + code, rows: rows}
}

// TestReadChains: in every format, the steps that ran are returned with an error that names where the
// chain stopped.
func TestReadChains(t *testing.T) {
	t.Parallel()
	pkg, count := row{{"ShowPackageKey", "7"}}, row{{"AddOnsAdded", "2"}}
	for name, c := range map[string]struct {
		codes string
		reply reply
		want  string // the steps' opcodes and statuses
		d     string
	}{
		"all": {"CrM", chain("0 3 0", ran("C", "0"), ran("r", "0"), ran("M", "0", count)), "C0 r0 M0", ""},
		"stops at the second": {
			"CrM", chain("0 2 1", ran("C", "0"), ran("r", "90")), "C0 r90",
			"rejected (90): at opcode r, number 2 of CrM: Notified refuses the registration: a person must look: so r",
		},
		"goes on after the second": {
			"CrM", chain("0 3 1", ran("C", "0"), ran("r", "90"), ran("M", "0", count)), "C0 r90 M0",
			"rejected (90): at opcode r, number 2 of CrM: Notified refuses the registration: a person must look: so r",
		},
		"not ready at the third": {
			"CrM", chain("0 3 1", ran("C", "0"), ran("r", "0"), ran("M", "72")), "C0 r0 M72",
			"not ready (72): at opcode M, number 3 of CrM: Notified has no registration of the person for the show yet: so M",
		},
		"registered already": {
			"CR", chain("0 2 1", ran("C", "0"), ran("R", "44")), "C0 R44",
			"rejected (44): at opcode R, number 2 of CR: Notified has a registration of the person for the show already: a person must look: so R",
		},
		"stops without a word": {
			"CrM", chain("0 2 0", ran("C", "0"), ran("r", "0")), "C0 r0", "unknown: Notified stopped after 2 of the opcodes CrM, and all had status 0: OK",
		},
		"processed fewer than it answers": {
			"CrM", chain("0 2 0", ran("C", "0"), ran("r", "0"), ran("M", "0", count)), "C0 r0 M0",
			"unknown: the reply contradicts itself: status 0, but APICallResult, OpCodesProcessed or OpCodesInError differ",
		},
		"no status of the second": {"CrM", chain("0 3 0", ran("C", "0"), ran("r", ""), ran("M", "0", count)), "C0", "unknown: the reply has no status of opcode r"},
		"another order":           {"CrM", chain("0 3 0", ran("r", "0"), ran("C", "0"), ran("M", "0", count)), "", "unknown: the reply is not about the opcodes CrM alone"},
		"another case":            {"CrM", chain("0 3 0", ran("C", "0"), ran("R", "0"), ran("M", "0", count)), "", "unknown: the reply is not about the opcodes CrM alone"},
		"more than asked":         {"Cr", chain("0 2 0", ran("C", "0"), ran("r", "0"), ran("M", "0", count)), "", "unknown: the reply is not about the opcodes Cr alone"},
		"the same twice":          {"KK", chain("0 2 0", ran("K", "0", pkg), ran("K", "0", pkg)), "K0 K0", ""},
		"outputs of the first cannot be read": {
			"KM", chain("0 2 0", ran("K", "0"), ran("M", "0", count)), "K0 M0",
			"rejected (0): at opcode K, number 1 of KM: Notified reports status 0 of opcode K, and the package cannot be read: is Names.ShowPackageOutput right?",
		},
		"outputs of what was refused": {"KM", chain("0 2 1", ran("K", "0", pkg), ran("M", "51")), "K0 M51", "rejected (51): at opcode M, number 2 of KM: Notified refuses the add-ons: a person must look: so M"},
	} {
		for _, f := range formats {
			t.Run(name+", "+string(f), func(t *testing.T) {
				t.Parallel()
				steps, d := judge(f, c.codes, []byte(write(f, c.reply)))
				var got []string
				for _, s := range steps {
					got = append(got, fmt.Sprint(s.OpCode, s.Status))
				}
				require.Equal(t, c.want, strings.Join(got, " "))
				if c.d == "" {
					require.Nil(t, d)
					return
				}
				require.NotNil(t, d)
				require.Equal(t, c.d, d.Error())
			})
		}
	}
}
