package notifiedtest

// opCode is one letter of an OpCodeList.
type opCode struct {
	// params are those beyond the common ones.
	params []string
	// run carries it out for one customer area and notes what it did in c. s.mu
	// is held.
	run func(s *Server, area string, p params, c *Call) opAnswer
}

// opCodes are those that the sandbox knows. Letters are case-sensitive.
var opCodes = map[rune]opCode{
	'M': {params: []string{"ExternalUserID", "EMailAddress", "ShowKey", "AddOnsChangeList"}, run: (*Server).addAddOns},
}

// answerTo carries a call out. s.mu is held.
func (s *Server) answerTo(q request, c *Call) answer {
	if !q.rightCmd {
		return answer{failed: guessDiagLASCmd}
	}
	area, ok := s.area(q.params)
	if !ok {
		return answer{failed: diagCredentials}
	}
	for _, letter := range q.params["OpCodeList"] {
		if _, ok := opCodes[letter]; !ok {
			return answer{result: GuessResultUnknownOpCode, diagnostic: "Unknown OpCode!"}
		}
	}
	if len(q.violations) > 0 {
		return answer{result: GuessResultBadCall, diagnostic: "Bad Call! " + q.violations[0]}
	}
	a := answer{diagnostic: "OK"}
	for _, letter := range q.params["OpCodeList"] {
		op := opCodes[letter].run(s, area, q.params, c)
		op.code = string(letter)
		a.ops = append(a.ops, op)
		if op.status != StatusOK { // a chain stops at the first error: a guess
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
