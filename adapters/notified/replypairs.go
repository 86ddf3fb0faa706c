package notified

import (
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
)

// errNotPairs is all that is said of pairs that cannot be read: they may hold secrets.
var errNotPairs = errors.New("the reply is not the H format of the opcode API")

// parsePairs reads an OutputFormat=H reply: pairs joined by '&', walked in order, since keys repeat where
// several opcodes ran. Each OpCode starts a block. It does not use [net/url.ParseQuery], which drops a pair
// that holds a raw semicolon and forgets the order.
func parsePairs(body string) (reply, error) {
	p := pairsReader{head: map[string]string{}}
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		if !ok || !p.take(unescape(name), unescape(value)) {
			return reply{}, errNotPairs
		}
	}
	if len(p.head) == 0 {
		return reply{}, errNotPairs
	}
	return reply{
		result: p.head["APICallResult"], diagnostic: plain(p.head["APICallDiagnostic"]),
		processed: p.head["OpCodesProcessed"], inError: p.head["OpCodesInError"], ops: p.ops,
	}, nil
}

// pairsReader is what was read of an H reply so far.
type pairsReader struct {
	head map[string]string // the keys about the call
	ops  []opResult
	seen map[string]bool // of the block's keys, those beside its outputs
	// columns are the outputs of the block's last row.
	columns map[string]bool
}

// take adds a pair, and tells whether it may stand where it does. A key that is no output and comes twice
// in its block is refused, as a doubled attribute is in XML. An output that comes again starts a row: a
// guess, for the vendor's text shows one row only.
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
		op.status = value
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

// unescape undoes form encoding. What only looks encoded, as in "100% sure", stays as it is.
func unescape(s string) string {
	return percentEncoded.ReplaceAllStringFunc(strings.ReplaceAll(s, "+", " "), func(code string) string {
		b, _ := hex.DecodeString(code[1:]) // the expression lets nothing else pass
		return string(b)
	})
}
