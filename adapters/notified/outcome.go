package notified

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// Statuses of the vendor's text for opcode M.
const (
	statusOK            = 0
	statusUserNotFound  = 71
	statusNotRegistered = 72
)

// judge says what a reply to a single opcode M comes to, where asked add-ons
// were sent. The reason is not scrubbed yet. Nothing is a success by default.
func judge(format OutputFormat, body []byte, truncated bool, asked int, repeat bool) (outbox.Result, *outbox.DeliveryError) {
	if truncated {
		return outbox.Result{}, unknown("the reply is longer than is read")
	}
	r, err := format.parse(body)
	if err != nil {
		return outbox.Result{}, unknown(err.Error())
	}
	op, d := r.only("M")
	if d != nil {
		return outbox.Result{}, d
	}
	added, ok := op.added()
	if !ok {
		return outbox.Result{}, unknown("Notified reports status 0 without saying how many add-ons it added")
	}
	result := outbox.Result{
		Code: strconv.Itoa(statusOK), Receipt: amsbridge.Receipt{AddOnsAdded: &added}.Encode(),
		AlreadyDone: repeat && added < asked,
	}
	if added != asked && !result.AlreadyDone {
		return outbox.Result{}, &outbox.DeliveryError{
			Outcome: outbox.OutcomeRejected, Code: result.Code,
			Reason: fmt.Sprintf("Notified says that it added %d add-ons where %d were asked for: a person must look which are there", added, asked),
		}
	}
	return result, nil
}

// only returns the result of a call with one opcode, if that has status 0 and
// nothing in the reply speaks against it.
func (r reply) only(code string) (opResult, *outbox.DeliveryError) {
	if r.failed {
		return opResult{}, r.callFailed("CallFailed", outbox.OutcomeUnknown)
	}
	result, ok := number(r.result)
	switch {
	case !ok:
		return opResult{}, unknown("the reply has no APICallResult")
	case len(r.ops) == 0 && result != 0:
		return opResult{}, r.callFailed("APICallResult "+strconv.Itoa(result), outbox.OutcomeRejected)
	case len(r.ops) != 1 || r.ops[0].code != code:
		return opResult{}, unknown("the reply is not about opcode " + code + " alone")
	}
	op := r.ops[0]
	status, ok := number(op.status)
	switch {
	case !ok:
		return opResult{}, unknown("the reply has no status of opcode " + code)
	case status != statusOK:
		return opResult{}, op.refused(status)
	}
	processed, ok1 := number(r.processed)
	inError, ok2 := number(r.inError)
	if result != 0 || !ok1 || processed != 1 || !ok2 || inError != 0 {
		return opResult{}, unknown("the reply contradicts itself: status 0, but APICallResult, OpCodesProcessed or OpCodesInError differ")
	}
	return op, nil
}

// refused is an opcode's status other than 0. That 71 and 72 pass with time is
// this package's reading; what other numbers mean is unknown.
func (op opResult) refused(status int) *outbox.DeliveryError {
	d := &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Code: strconv.Itoa(status)}
	switch status {
	case statusUserNotFound:
		d.Outcome, d.Reason = outbox.OutcomeNotReady, "Notified does not know the person yet"
	case statusNotRegistered:
		d.Outcome, d.Reason = outbox.OutcomeNotReady, "Notified has no registration of the person for the show yet"
	default:
		d.Reason = "Notified refuses the add-ons: a person must look"
	}
	return saying(d, op.message)
}

// callFailed is a call that failed as a whole. Only the diagnostic tells
// refused credentials from the rest.
func (r reply) callFailed(code string, otherwise outbox.Outcome) *outbox.DeliveryError {
	d := &outbox.DeliveryError{Outcome: otherwise, Code: code, Reason: "Notified says that the call failed"}
	low := strings.ToLower(r.diagnostic)
	for _, word := range []string{"credential", "auth code", "authcode", "authoriz", "authenticat"} {
		if strings.Contains(low, word) {
			d.Outcome, d.Reason = outbox.OutcomeUnauthorized, "Notified refuses our credentials"
		}
	}
	return saying(d, r.diagnostic)
}

// added is the row's count of add-ons.
func (op opResult) added() (int, bool) {
	if len(op.rows) != 1 {
		return 0, false
	}
	text, ok := op.rows[0].one("AddOnsAdded")
	if !ok {
		return 0, false
	}
	n, ok := number(text)
	return n, ok && n >= 0
}

func unknown(reason string) *outbox.DeliveryError {
	return &outbox.DeliveryError{Outcome: outbox.OutcomeUnknown, Reason: reason}
}

// saying adds the platform's own words to the reason.
func saying(d *outbox.DeliveryError, message string) *outbox.DeliveryError {
	if message != "" {
		d.Reason += ": " + message
	}
	return d
}
