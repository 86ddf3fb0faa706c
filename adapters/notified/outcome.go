package notified

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/amsbridge/amsbridge/outbox"
)

// Statuses in the vendor's text for opcode M, and R's from public pages.
const (
	statusOK                = 0
	statusAlreadyRegistered = 44
	statusUserNotFound      = 71
	statusNotRegistered     = 72
)

// Codes of an outcome: after status 0, and after 72.
const (
	codeOK            = "0"
	codeNotRegistered = "72"
)

// callResult begins the code of a call that failed as a whole in the regular root of results.
const callResult = "APICallResult"

// judge turns a reply to a call of these opcodes into steps. An error comes with the steps that ran. Nothing
// is a success by default.
func (c Config) judge(codes string, r reply) ([]Step, *outbox.DeliveryError) {
	ops, d := r.ran(codes)
	steps := make([]Step, len(ops))
	for i, op := range ops {
		var bad *outbox.DeliveryError
		if steps[i], bad = c.step(op); bad != nil && d == nil {
			d = atOpCode(bad, codes, i)
		}
	}
	return steps, d
}

// ran returns the results of a call's opcodes, matched by position. It also returns an error unless all
// of them ran with status 0 and nothing in the reply contradicts that.
func (r reply) ran(codes string) ([]opResult, *outbox.DeliveryError) {
	result, ok := number(r.result)
	switch {
	case r.failed != "" && ok:
		return nil, r.callFailed(r.failed+" "+strconv.Itoa(result), outbox.OutcomeUnknown)
	case r.failed != "":
		return nil, r.callFailed(r.failed, outbox.OutcomeUnknown)
	case !ok:
		return nil, notOurs("the reply has no APICallResult")
	case len(r.ops) == 0 && result != 0: // nothing was done
		return nil, r.callFailed(callResult+" "+strconv.Itoa(result), outbox.OutcomeUnavailable)
	case len(r.ops) == 0 || !r.about(codes):
		return nil, notOurs("the reply is not about " + inWords(codes) + " alone")
	}
	var d *outbox.DeliveryError
	for i, op := range r.ops {
		switch status, ok := number(op.status); {
		case !ok:
			return r.ops[:i], unknown("the reply has no status of opcode " + op.code)
		case status != statusOK && d == nil:
			d = atOpCode(op.refused(status), codes, i)
		}
	}
	switch {
	case d != nil:
		return r.ops, d
	case len(r.ops) < len(codes):
		stopped := fmt.Sprintf("Notified stopped after %d of %s, and all had status 0",
			len(r.ops), inWords(codes))
		return r.ops, saying(unknown(stopped), r.diagnostic)
	case result != 0 || !agrees(r.processed, len(codes)) || !agrees(r.inError, 0):
		return r.ops, unknown("the reply contradicts itself: " +
			"status 0, but APICallResult, OpCodesProcessed or OpCodesInError differ")
	}
	return r.ops, nil
}

// agrees tells whether a total is n. One that the reply leaves out contradicts nothing.
func agrees(total string, n int) bool {
	said, ok := number(total)
	return total == "" || ok && said == n
}

// about tells whether the results are those of the opcodes, or of the first few of them.
func (r reply) about(codes string) bool {
	if len(r.ops) > len(codes) {
		return false
	}
	for i, op := range r.ops {
		if op.code != codes[i:i+1] {
			return false
		}
	}
	return true
}

// refused returns the error of an opcode's status other than 0. That 71 and 72 pass with time is our
// reading; the meaning of other numbers is unknown.
func (op opResult) refused(status int) *outbox.DeliveryError {
	d := &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Code: strconv.Itoa(status)}
	switch {
	case status == statusUserNotFound:
		d.Outcome, d.Reason = outbox.OutcomeNotReady, "Notified does not know the person yet"
	case status == statusNotRegistered:
		d.Outcome, d.Reason = outbox.OutcomeNotReady, "Notified has no registration of the person for the show yet"
	case status == statusAlreadyRegistered && opcodes[op.code[0]].needs&needPackage != 0:
		d.Reason = "Notified has a registration of the person for the show already: a person must look"
	default:
		d.Reason = "Notified refuses " + opcodes[op.code[0]].refuses + ": a person must look"
	}
	return saying(d, op.message)
}

// callFailed returns the error of a call that failed as a whole, which says nothing of the message: three of
// different ones in a row pause the destination. The platform is known to answer so for wrong credentials and,
// in another module, for a wrong show key.
func (r reply) callFailed(code string, otherwise outbox.Outcome) *outbox.DeliveryError {
	d := &outbox.DeliveryError{Outcome: otherwise, Code: code, Tentative: true, Reason: "Notified refuses the whole call: " +
		"are Config.BaseURL, the account and the show key right?"}
	if aboutCredentials.MatchString(r.diagnostic) {
		// One that echoes what was sent may be about the person.
		d.Outcome, d.Tentative, d.Reason = outbox.OutcomeUnauthorized, r.echoes, "Notified refuses our credentials"
	}
	return saying(d, r.diagnostic)
}

// aboutCredentials finds a word in a diagnostic that says that credentials are refused, since no number for them is
// known. What is joined to more by a dot, a hyphen and the like is no word but perhaps a piece of a user ID.
var aboutCredentials = regexp.MustCompile(`(?i)(?:^|[\s:;,!?()"'\[\]])` +
	`\pL*(?:credential|auth\s?code|authori[sz]|authenticat)\pL*[:;,!?()"'\[\].]*(?:\s|$)`)

// badInput returns the error of a call that was not made.
func badInput(err error) *outbox.DeliveryError {
	return &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: err.Error(), Err: err}
}

// unknown returns the error of a reply that does not tell whether the call took effect.
func unknown(reason string) *outbox.DeliveryError {
	return &outbox.DeliveryError{Outcome: outbox.OutcomeUnknown, Reason: reason}
}

// notOurs returns the error of a reply that is not the API's, or not to our call: what answers is wrong, whatever
// the message.
func notOurs(reason string) *outbox.DeliveryError {
	d := unknown(reason)
	d.Tentative = true
	return d
}

// saying adds the platform's message to the reason.
func saying(d *outbox.DeliveryError, message string) *outbox.DeliveryError {
	if message != "" {
		d.Reason += ": " + message
	}
	return d
}

// atOpCode adds to the reason at which opcode of a chain it happened.
func atOpCode(d *outbox.DeliveryError, codes string, i int) *outbox.DeliveryError {
	if len(codes) > 1 {
		d.Reason = fmt.Sprintf("at opcode %c, number %d of %s: %s", codes[i], i+1, codes, d.Reason)
	}
	return d
}

// inWords names opcodes in a sentence.
func inWords(codes string) string {
	if len(codes) == 1 {
		return "opcode " + codes
	}
	return "the opcodes " + codes
}
