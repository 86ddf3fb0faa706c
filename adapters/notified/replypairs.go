package notified

import (
	"encoding/hex"
	"regexp"
	"strings"
)

// parsePairs reads an OutputFormat=H reply: pairs joined by '&', in order, since keys repeat where
// several opcodes ran. Each OpCode starts a block. [net/url.ParseQuery] would drop a pair with a raw
// semicolon, and lose the order.
func parsePairs(body string) (reply, error) {
	p := pairsReader{head: map[string]string{}}
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		if !ok || !p.take(unescape(name), unescape(value)) {
			return reply{}, errNotReply
		}
	}
	if len(p.head) == 0 {
		return reply{}, errNotReply
	}
	return reply{
		result: p.head["APICallResult"], diagnostic: plain(p.head["APICallDiagnostic"]),
		processed: p.head["OpCodesProcessed"], inError: p.head["OpCodesInError"], ops: p.ops,
	}, nil
}

// pairsReader is the state of reading an H reply.
type pairsReader struct {
	head map[string]string // pairs about the call
	ops  []opResult
	seen map[string]bool // keys of the current block, except its outputs
	// columns are the outputs of the block's last row.
	columns map[string]bool
}

// take adds a pair, and returns false if it may not stand there. A key other than an output may not
// repeat in its block, just as an XML attribute may not. An output that repeats starts a new row: a
// guess, since the vendor's text shows only one row.
func (p *pairsReader) take(name, value string) bool {
	switch name {
	case "APICallResult", "APICallDiagnostic", "OpCodesProcessed", "OpCodesInError":
		_, twice := p.head[name]
		p.head[name] = value
		return !twice && p.ops == nil
	case "OpCode":
		p.ops = append(p.ops, opResult{code: value})
		p.seen, p.columns = map[string]bool{}, nil
		return true
	}
	if p.ops == nil {
		return true // a key that this package does not know
	}
	op := &p.ops[len(p.ops)-1]
	switch name {
	case "Status":
		op.status = strings.TrimSpace(value)
	case "Message":
		op.message = plain(value)
	default:
		if p.columns == nil || p.columns[name] {
			op.rows, p.columns = append(op.rows, nil), map[string]bool{}
		}
		p.columns[name] = true
		last := &op.rows[len(op.rows)-1]
		*last = append(*last, field{name, plain(value)})
		return true
	}
	twice := p.seen[name]
	p.seen[name] = true
	return !twice
}

var percentEncoded = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// unescape decodes form encoding. Text that only looks encoded, as in "100% sure", is unchanged.
func unescape(s string) string {
	return percentEncoded.ReplaceAllStringFunc(strings.ReplaceAll(s, "+", " "), func(code string) string {
		b, _ := hex.DecodeString(code[1:]) // the expression matches only valid hex
		return string(b)
	})
}
