package notified

import (
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// parsePairs reads an OutputFormat=H reply: pairs joined by '&', walked in
// order, since keys repeat where several opcodes ran. Each OpCode starts a
// block. It does not use [net/url.ParseQuery], which drops a pair that holds a
// raw semicolon and forgets the order.
func parsePairs(body string) (reply, error) {
	text := content(body)
	p := pairs{head: map[string]string{}}
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		if !ok || !p.take(unescape(name), unescape(value)) {
			return reply{}, errNotPairs
		}
	}
	if len(p.head) == 0 || !utf8.ValidString(text) {
		return reply{}, errNotPairs
	}
	return reply{
		result: p.head["APICallResult"], diagnostic: plain(p.head["APICallDiagnostic"]),
		processed: p.head["OpCodesProcessed"], inError: p.head["OpCodesInError"], ops: p.ops,
	}, nil
}

// pairs is what of an H reply was read so far.
type pairs struct {
	head map[string]string
	ops  []opResult
	// seen are the keys of the block beside its outputs, columns those of its
	// last row.
	seen, columns map[string]bool
}

// take adds a pair, and tells whether it may stand where it does. A key of its
// own that comes twice is refused, as a doubled attribute is in XML. An output
// that comes again starts a row: a guess, for the vendor's text shows one only.
func (p *pairs) take(name, value string) bool {
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

// unescape undoes form encoding. What only looks encoded, as in "100% sure",
// stays as it is, and all around it is read still.
func unescape(s string) string {
	s = strings.ReplaceAll(s, "+", " ")
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, "%")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		s = after
		if len(after) < 2 {
			b.WriteByte('%')
			continue
		}
		code, err := hex.DecodeString(after[:2])
		if err != nil {
			b.WriteByte('%')
			continue
		}
		b.Write(code)
		s = after[2:]
	}
}
