package notified

import (
	"regexp"
	"strings"
)

// The lines about the call and about an opcode, without leading '#'. Any part but the opcode may be
// missing. A diagnostic may hold spaces, and even text that looks like a key, so the last keys of the
// line are the call's. Everything after Message is the message.
var (
	callLine = regexp.MustCompile(`^(?:APICallResult=(` + word + `))?` +
		`(?:(?:^|` + gap + `)APICallDiagnostic=(.*?))?` +
		`(?:(?:^|` + gap + `)OpCodesProcessed=(` + word + `))?` +
		`(?:(?:^|` + gap + `)OpCodesInError=(` + word + `))?$`)
	opCodeLine = regexp.MustCompile(`^OpCode=(.*?)(?:` + gap + `Status=(.*?))?(?:` + gap + `Message=(.*))?$`)
)

// White space includes U+00A0.
const (
	gap  = `[\s\pZ]+`
	word = `[^\s\pZ]*`
)

// parseText reads an OutputFormat=T reply: a line about the call, then for each opcode a line, a
// column's name and its values, one a line. The lines about the call and the opcodes may begin with any
// number of '#', and blank lines may be anywhere. The layout of several columns is unknown, so they are
// read as one.
func parseText(body string) (reply, error) {
	var r reply
	called, column := false, ""
	for line := range strings.SplitSeq(body, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		bare := strings.TrimSpace(strings.TrimLeft(line, "#"))
		call, op := callLine.FindStringSubmatch(bare), opCodeLine.FindStringSubmatch(bare)
		switch {
		case call != nil && bare != "" && !called:
			called = true
			r.result, r.diagnostic, r.processed, r.inError = call[1], plain(call[2]), call[3], call[4]
		case !called || call != nil:
			return reply{}, errNotReply // the line about the call must come first, and only once
		case op != nil:
			r.ops = append(r.ops, opResult{
				code: strings.TrimSpace(op[1]), status: strings.TrimSpace(op[2]), message: plain(op[3]),
			})
			column = ""
		case bare != line || len(r.ops) == 0:
			return reply{}, errNotReply
		case column == "":
			column = line
		default:
			last := &r.ops[len(r.ops)-1]
			last.rows = append(last.rows, row{{column, plain(line)}})
		}
	}
	if !called {
		return reply{}, errNotReply
	}
	return r, nil
}
