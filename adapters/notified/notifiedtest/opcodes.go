package notifiedtest

import (
	"fmt"
	"time"
)

// opCode is one letter of an OpCodeList.
type opCode struct {
	// params are its parameters besides the common ones.
	params []string
	// do carries it out. s.mu must be held.
	do func(*run) opAnswer
}

// newOpCodes returns the opcodes by their letters, which are case-sensitive. M's parameters are in the
// vendor's text; those of the others are known from public code, or guessed.
func newOpCodes(n Names) map[rune]opCode {
	person := []string{n.FirstNameParam, n.LastNameParam}
	addOns := []string{"AddOnsChangeList"}
	registration := []string{n.ShowPackageParam, "AffiliateKey", "AffiliateData", "TriggerRegistrationEvents"}
	return map[rune]opCode{
		'M': {addOns, (*run).addAddOns},
		'N': {addOns, (*run).removeAddOns},
		'A': {nil, (*run).listAddOns},
		'K': {nil, (*run).packageOf},
		'Z': {nil, (*run).registrationID},
		'R': {registration, (*run).register},
		'r': {registration, (*run).registerOrMove},
		'C': {person, (*run).upsert},
		'I': {person, (*run).create},
		'U': {person, (*run).update},
		'D': {nil, (*run).deletePerson},
		'G': {nil, (*run).personKey},
		'T': {[]string{"ShowLaunchInitialDisplayItem"}, (*run).mintTicket},
		'F': {nil, (*run).listShows},
		'J': {[]string{"AttendeeTypeDescription"}, (*run).makeAttendeeType},
	}
}

// run is a call that is being carried out. The server's lock is held, except during pause.
type run struct {
	server *Server
	area   string
	params params
	note   *Call
}

// answerTo carries a call out. s.mu must be held.
func (s *Server) answerTo(q request, c *Call) answer {
	area, ok := s.area(q.params)
	switch {
	case q.module == "":
		return answer{failed: guessDiagLASCmd}
	case q.module == moduleSetup:
		return s.setup(q, area)
	case !ok:
		return failedCall(GuessResultCredentials, diagCredentials)
	case q.module == moduleEvents:
		return s.events(q, area, c)
	}
	for _, letter := range q.params["OpCodeList"] {
		if _, ok := s.opCodes[letter]; !ok {
			return failedCall(GuessResultUnknownOpCode, "Unknown OpCode!")
		}
	}
	if len(q.violations) > 0 {
		return failedCall(GuessResultBadCall, "Bad Call! "+q.violations[0])
	}
	r := &run{s, area, q.params, c}
	r.count()
	a := answer{diagnostic: "OK"}
	for _, letter := range q.params["OpCodeList"] {
		op := s.opCodes[letter].do(r)
		op.code = string(letter)
		a.ops = append(a.ops, op)
		c.Results = append(c.Results, OpResult{op.code, op.status})
		if op.status != StatusOK { // that a chain stops at the first error is a guess
			a.inError++
			break
		}
	}
	return a
}

// area returns the customer area that the call's credentials open.
func (s *Server) area(p params) (string, bool) {
	for _, a := range s.cfg.Accounts {
		if a.AuthCode == p["APIUserAuthCode"] && a.Credentials == p["APIUserCredentials"] {
			return a.Area, true
		}
	}
	return "", false
}

// count counts the calls about a person, and about their registrations for the call's show.
func (r *run) count() {
	show, _ := digits(r.params["ShowKey"])
	for _, p := range r.server.asked(r.area, r.params) {
		p.calls++
		for _, reg := range r.server.byShow[personAtShow{p.Key, show}] {
			reg.calls++
		}
	}
}

// pause lets other calls run between a look-up and its write.
func (r *run) pause() {
	if d := r.server.cfg.UpsertDelay; d > 0 {
		r.server.mu.Unlock()
		time.Sleep(d)
		r.server.mu.Lock()
	}
}

// person returns the oldest of the persons whom the call is about, or nil.
func (r *run) person() *person {
	for _, p := range r.server.asked(r.area, r.params) {
		if p.present() {
			r.note.User = p.ID
			return p
		}
	}
	return nil
}

// found is the person, the show and the registration that a call is about.
type found struct {
	person       *person
	show         Show
	registration *registration // nil where there is none
}

// find reads ShowKey and looks up person and show. The order of the platform's look-ups is a guess.
func (r *run) find() (found, opAnswer) {
	key, ok := digits(r.params["ShowKey"])
	if !ok {
		return found{}, r.badParameter("ShowKey is not digits")
	}
	r.note.Show = key
	at := found{person: r.person()}
	if at.person == nil {
		return at, refusal(StatusUserNotFound, "User Not Found!")
	}
	if at.show, ok = r.server.shows[key]; !ok || at.show.Area != r.area {
		return at, refusal(StatusEventNotFound, "Event Not Found!")
	}
	at.registration = r.server.registered(personAtShow{at.person.Key, key})
	return at, opAnswer{}
}

// findRegistered is find for opcodes that need a registration.
func (r *run) findRegistered() (found, opAnswer) {
	at, bad := r.find()
	if bad.status == StatusOK && at.registration == nil {
		bad = refusal(StatusNotRegistered, "User Not Registered!")
	}
	return at, bad
}

// badParameter notes a violation and refuses the opcode for it.
func (r *run) badParameter(format string, args ...any) opAnswer {
	problem := fmt.Sprintf(format, args...)
	r.note.Violations = append(r.note.Violations, problem)
	return refusal(GuessStatusBadParameter, "Bad Parameter! "+problem)
}
