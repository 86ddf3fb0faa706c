package notifiedtest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// answer is the answer to a call, in any format.
type answer struct {
	failed     string // the Diag of the root CallFailed; all else is then empty
	whole      string // the whole XML, of a module without opcodes; all else is then empty
	result     int
	diagnostic string
	inError    int
	ops        []opAnswer
}

// opAnswer is one opcode's result, with the rows of its outputs, if any.
type opAnswer struct {
	code    string
	status  int
	message string
	names   []string
	rows    [][]string
}

// refusal is the answer of an opcode that was not carried out, and accepted of one that was; its one output
// may have no rows.
func refusal(status int, message string) opAnswer { return opAnswer{status: status, message: message} }

func accepted(output string, values ...string) opAnswer {
	a := opAnswer{message: "OK", names: []string{output}}
	for _, v := range values {
		a.rows = append(a.rows, []string{v})
	}
	return a
}

// failedCall is the answer to a call that failed as a whole. That its OpCodesInError is not 0 is what public code
// of others expects.
func failedCall(result int, diagnostic string) answer {
	return answer{result: result, diagnostic: diagnostic, inError: 1}
}

// status returns the status for the journal.
func (a answer) status() string {
	switch {
	case a.failed != "":
		return "CallFailed"
	case a.whole != "":
		return "0"
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
	case a.whole != "":
		return "text/xml; charset=utf-8", a.whole
	case format == "X":
		return "text/xml; charset=utf-8", c.xml(a)
	case format == "H":
		return "text/plain; charset=utf-8", a.pairs()
	case format == "J":
		return "application/json; charset=utf-8", a.json()
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
		for _, row := range op.rows {
			b.WriteString(" <ResultRow>\n")
			for i, name := range op.names {
				fmt.Fprintf(&b, "  <%s>%s</%s>\n", name, c.escaped(row[i]), name)
			}
			b.WriteString(" </ResultRow>\n")
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
		for _, row := range op.rows {
			for i, name := range op.names {
				fmt.Fprintf(&b, "&%s=%s", name, url.QueryEscape(row[i]))
			}
		}
	}
	return b.String()
}

// json is what module 50540 answers in J; public code of others reads the rows at these names.
func (a answer) json() string {
	type result struct {
		OpCode  string
		Status  int
		Message string
		Results []map[string]string
	}
	results := []result{}
	for _, op := range a.ops {
		r := result{OpCode: op.code, Status: op.status, Message: op.message, Results: []map[string]string{}}
		for _, row := range op.rows {
			o := map[string]string{}
			for i, name := range op.names {
				o[name] = row[i]
			}
			r.Results = append(r.Results, o)
		}
		results = append(results, r)
	}
	b, _ := json.Marshal(map[string]any{"APIResults": map[string]any{ // which nothing makes fail
		"APICallResult": a.result, "APICallDiagnostic": a.diagnostic,
		"OpCodesProcessed": len(a.ops), "OpCodesInError": a.inError, "OpCodeResults": results,
	}})
	return string(b)
}

// text puts an output's name above its rows. How several are laid out is unknown; here tabs part them.
func (c Config) text(a answer) string {
	lines := []string{fmt.Sprintf(
		"### APICallResult=%d APICallDiagnostic=%s OpCodesProcessed=%d OpCodesInError=%d",
		a.result, a.diagnostic, len(a.ops), a.inError,
	)}
	for _, op := range a.ops {
		lines = append(lines, fmt.Sprintf("## OpCode=%s Status=%d Message=%s", op.code, op.status, op.message))
		if len(op.rows) > 0 {
			lines = append(lines, strings.Join(op.names, "\t"))
		}
		for _, row := range op.rows {
			lines = append(lines, strings.Join(row, "\t"))
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
