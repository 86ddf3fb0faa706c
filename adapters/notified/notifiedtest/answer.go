package notifiedtest

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// answer is the answer to a call, in any format.
type answer struct {
	failed     string // the Diag of the root CallFailed; all else is then empty
	result     int
	diagnostic string
	inError    int
	ops        []opAnswer
}

// opAnswer is one opcode's result, with the rows of its one output, if any.
type opAnswer struct {
	code    string
	status  int
	message string
	name    string
	rows    []string
}

// refusal is the answer of an opcode that was not carried out, and accepted of one that was; its output
// may have no rows.
func refusal(status int, message string) opAnswer { return opAnswer{status: status, message: message} }

func accepted(output string, rows ...string) opAnswer {
	return opAnswer{message: "OK", name: output, rows: rows}
}

// status returns the status for the journal.
func (a answer) status() string {
	switch {
	case a.failed != "":
		return "CallFailed"
	case len(a.ops) == 0:
		return "APICallResult " + strconv.Itoa(a.result)
	}
	return strconv.Itoa(a.ops[len(a.ops)-1].status)
}

const xmlDeclaration = `<?xml version="1.0" encoding="utf-8" ?>` + "\n"

// encode writes an answer like the vendor's samples. CallFailed is always XML, since no other form of
// it is known.
func (c Config) encode(a answer, format string) (contentType, body string) {
	switch {
	case a.failed != "":
		return "text/xml; charset=utf-8", xmlDeclaration + "<CallFailed Diag=" + c.quoted(a.failed) + "/>\n"
	case format == "X":
		return "text/xml; charset=utf-8", c.xml(a)
	case format == "H":
		return "text/plain; charset=utf-8", a.pairs()
	}
	return "text/plain; charset=utf-8", c.text(a)
}

func (c Config) xml(a answer) string {
	quote := `"`
	if c.CurlyQuotes { // in the vendor's sample both are closing quotes
		quote = "\u201d"
	}
	var b strings.Builder
	b.WriteString(xmlDeclaration)
	fmt.Fprintf(&b, `<APIResults APICallResult="%d" APICallDiagnostic=%s `+
		`OpCodesProcessed="%d" OpCodesInError=%s%d%s >`+"\n",
		a.result, c.quoted(a.diagnostic), len(a.ops), quote, a.inError, quote)
	for _, op := range a.ops {
		fmt.Fprintf(&b, "<OpCodeResult OpCode=%s Status=\"%d\" Message=%s >\n",
			c.quoted(op.code), op.status, c.quoted(op.message))
		for _, value := range op.rows {
			fmt.Fprintf(&b, " <ResultRow>\n  <%s>%s</%s>\n </ResultRow>\n", op.name, c.escaped(value), op.name)
		}
		b.WriteString("</OpCodeResult>\n")
	}
	b.WriteString("</APIResults>\n")
	return b.String()
}

// pairs repeats an output's key for each row, which is a guess.
func (a answer) pairs() string {
	var b strings.Builder
	fmt.Fprintf(&b, "APICallResult=%d&APICallDiagnostic=%s&OpCodesProcessed=%d&OpCodesInError=%d",
		a.result, url.QueryEscape(a.diagnostic), len(a.ops), a.inError)
	for _, op := range a.ops {
		fmt.Fprintf(&b, "&OpCode=%s&Status=%d&Message=%s",
			url.QueryEscape(op.code), op.status, url.QueryEscape(op.message))
		for _, value := range op.rows {
			fmt.Fprintf(&b, "&%s=%s", op.name, url.QueryEscape(value))
		}
	}
	return b.String()
}

// text puts an output's name above its rows.
func (c Config) text(a answer) string {
	lines := []string{fmt.Sprintf(
		"### APICallResult=%d APICallDiagnostic=%s OpCodesProcessed=%d OpCodesInError=%d",
		a.result, a.diagnostic, len(a.ops), a.inError,
	)}
	for _, op := range a.ops {
		lines = append(lines, fmt.Sprintf("## OpCode=%s Status=%d Message=%s", op.code, op.status, op.message))
		if len(op.rows) > 0 {
			lines = append(append(lines, op.name), op.rows...)
		}
	}
	if c.BlankLines {
		return strings.Join(lines, "\n\n") + "\n"
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}

func (c Config) quoted(s string) string { return `"` + c.escaped(s) + `"` }

func (c Config) escaped(s string) string {
	if c.EncodeText {
		s = strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	}
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder never fails
	return b.String()
}
