package notified

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// parseText reads an OutputFormat=T reply: a line about the call, then for each
// opcode a line, a column's name and its values, one a line. Any number of '#'
// may stand before the first two kinds, and blank lines anywhere; U+00A0 is
// white space. How several columns are laid out is unknown, so they are not
// told apart.
func parseText(body string) (reply, error) {
	text := content(body)
	var r reply
	called, column := false, ""
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		bare := strings.TrimSpace(strings.TrimLeft(line, "#"))
		switch {
		case line == "":
		case aboutCall(bare):
			if called || !r.readCall(bare) {
				return reply{}, errNotText
			}
			called = true
		case strings.HasPrefix(bare, "OpCode="):
			r.ops = append(r.ops, readOpCode(bare))
			column = ""
		case bare != line || len(r.ops) == 0:
			return reply{}, errNotText
		case column == "":
			column = line
		default:
			op := &r.ops[len(r.ops)-1]
			op.rows = append(op.rows, row{{column, plain(line)}})
		}
		if !called && line != "" {
			return reply{}, errNotText // the call's line comes first
		}
	}
	if !called || !utf8.ValidString(text) {
		return reply{}, errNotText
	}
	return r, nil
}

// aboutCall tells whether a line is the first. Any of its parts may be missing.
func aboutCall(line string) bool {
	for _, key := range []string{"APICallResult=", "APICallDiagnostic=", "OpCodesProcessed=", "OpCodesInError="} {
		if strings.HasPrefix(line, key) {
			return true
		}
	}
	return false
}

// readCall reads the call's line. The diagnostic may hold spaces, and even what
// looks like a key, so the parts behind it are read from the line's end.
func (r *reply) readCall(line string) bool {
	line, r.inError = cutLast(line, "OpCodesInError=")
	line, r.processed = cutLast(line, "OpCodesProcessed=")
	line, diagnostic := cutKey(line, "APICallDiagnostic=")
	r.diagnostic = plain(diagnostic)
	rest, result := cutKey(line, "APICallResult=")
	r.result = result
	return rest == ""
}

// readOpCode reads an opcode's line. All behind Message is the message.
func readOpCode(line string) opResult {
	var op opResult
	line, message := cutKey(line, "Message=")
	op.message = plain(message)
	line, op.status = cutKey(line, "Status=")
	_, op.code = cutKey(line, "OpCode=")
	return op
}

// cutKey returns what stands before and behind the first key that begins a
// word; all is before where there is none.
func cutKey(line, key string) (before, behind string) {
	for at := 0; ; at += len(key) {
		i := strings.Index(line[at:], key)
		if i < 0 {
			return line, ""
		}
		at += i
		if last, _ := utf8.DecodeLastRuneInString(line[:at]); at == 0 || unicode.IsSpace(last) {
			return strings.TrimSpace(line[:at]), strings.TrimSpace(line[at+len(key):])
		}
	}
}

// cutLast takes the last word off a line if that begins with key.
func cutLast(line, key string) (before, value string) {
	at := max(0, strings.LastIndexFunc(line, unicode.IsSpace))
	if value, ok := strings.CutPrefix(strings.TrimSpace(line[at:]), key); ok {
		return strings.TrimSpace(line[:at]), value
	}
	return line, ""
}
