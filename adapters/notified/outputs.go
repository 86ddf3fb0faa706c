package notified

import (
	"errors"
	"strconv"

	"github.com/amsbridge/amsbridge/outbox"
)

// errNoCount is the cause where M or N ran but did not say how many add-ons it changed.
var errNoCount = errors.New("the reply has no count")

// step reads an opcode's result. Its outputs are read only if it ran with status 0.
func (c Config) step(op opResult) (Step, *outbox.DeliveryError) {
	status, _ := number(op.status) // already known to be a number
	s := Step{OpCode: op.code, Status: status, Message: op.message}
	if status != statusOK {
		return s, nil
	}
	ok := true
	switch op.code {
	case "M":
		if s.AddOnsChanged, ok = op.count("AddOnsAdded"); !ok {
			return s, noCount("Notified reports status 0 without saying how many add-ons it added")
		}
	case "N":
		if s.AddOnsChanged, ok = op.count(c.Names.AddOnsRemovedOutput); !ok {
			return s, noCount("Notified reports status 0 without saying how many add-ons it removed: " +
				"is Names.AddOnsRemovedOutput right?")
		}
	case "A":
		for _, r := range op.rows {
			key, ok := r.key(c.Names.AddOnOutput)
			if !ok {
				s.AddOns = nil
				return s, unreadable("a row", "A", "Names.AddOnOutput")
			}
			s.AddOns = append(s.AddOns, key)
		}
		s.AddOns = unique(s.AddOns)
	case "K":
		if s.ShowPackageKey, ok = op.soleRow().key(c.Names.ShowPackageOutput); !ok {
			return s, unreadable("the package", "K", "Names.ShowPackageOutput")
		}
	case "T":
		if s.Ticket, ok = newTicket(c.BaseURL, op.soleRow().one(c.Names.LoginTicketOutput)); !ok {
			return s, unreadable("the ticket", "T", "Names.LoginTicketOutput")
		}
	case "Z":
		if r := op.soleRow(); len(r) == 1 {
			s.RegistrationID = r[0].value
		}
		if s.RegistrationID == "" {
			return s, &outbox.DeliveryError{
				Outcome: outbox.OutcomeRejected, Code: codeOK,
				Reason: "Notified reports status 0 of opcode Z without one output: a person must look",
			}
		}
	}
	return s, nil
}

func noCount(reason string) *outbox.DeliveryError {
	d := unknown(reason)
	d.Err = errNoCount
	return d
}

// unreadable returns the error of an answer without the output of the configured name. Another call
// would not help: the name is a guess, and perhaps wrong.
func unreadable(what, code, setting string) *outbox.DeliveryError {
	return &outbox.DeliveryError{
		Outcome: outbox.OutcomeRejected, Code: codeOK,
		Reason: "Notified reports status 0 of opcode " + code + ", and " + what + " cannot be read: " +
			"is " + setting + " right?",
	}
}

// soleRow returns the row of a result that has exactly one.
func (op opResult) soleRow() row {
	if len(op.rows) != 1 {
		return nil
	}
	return op.rows[0]
}

// count reads a count of add-ons.
func (op opResult) count(name string) (int, bool) {
	n, ok := number(op.soleRow().one(name))
	if !ok || n < 0 {
		return 0, false
	}
	return n, true
}

// key reads a key: a positive whole number in digits.
func (r row) key(name string) (int64, bool) {
	text := r.one(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || !allDigits(text) {
		return 0, false
	}
	return n, true
}
