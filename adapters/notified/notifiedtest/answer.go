package notifiedtest

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// answer is what a call comes to, whatever the format.
type answer struct {
	failed     string // the Diag of the root CallFailed; the rest is empty then
	result     int
	diagnostic string
	inError    int
	ops        []opAnswer
}

// opAnswer is one opcode's result and its one output, if any.
type opAnswer struct {
	code        string
	status      int
	message     string
	name, value string
}

func refusal(status int, message string) opAnswer { return opAnswer{status: status, message: message} }

// status is what the journal keeps.
func (a answer) status() string {
	switch {
	case a.failed != "":
		return "CallFailed"
	case len(a.ops) == 0:
		return "APICallResult " + strconv.Itoa(a.result)
	}
	return strconv.Itoa(a.ops[len(a.ops)-1].status)
}

// encode lays the answer out as the vendor's samples do. CallFailed is always
// XML, since no other form of it is known.
func (a answer) encode(format string, curly bool) (contentType, body string) {
	switch {
	case a.failed != "":
		return "text/xml; charset=utf-8", "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<CallFailed Diag=" + quoted(a.failed) + "/>\n"
	case format == "X":
		return "text/xml; charset=utf-8", a.xml(curly)
	case format == "H":
		return "text/plain; charset=utf-8", a.pairs()
	}
	return "text/plain; charset=utf-8", a.text()
}

func (a answer) xml(curly bool) string {
	open, end := `"`, `"`
	if curly { // both are closing ones in the vendor's sample
		open, end = "\u201d", "\u201d"
	}
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n")
	fmt.Fprintf(&b, "<APIResults APICallResult=\"%d\" APICallDiagnostic=%s OpCodesProcessed=\"%d\" OpCodesInError=%s%d%s >\n",
		a.result, quoted(a.diagnostic), len(a.ops), open, a.inError, end)
	for _, op := range a.ops {
		fmt.Fprintf(&b, "<OpCodeResult OpCode=%s Status=\"%d\" Message=%s >\n", quoted(op.code), op.status, quoted(op.message))
		if op.name != "" {
			fmt.Fprintf(&b, " <ResultRow>\n  <%s>%s</%s>\n </ResultRow>\n", op.name, escaped(op.value), op.name)
		}
		b.WriteString("</OpCodeResult>\n")
	}
	b.WriteString("</APIResults>\n")
	return b.String()
}

func (a answer) pairs() string {
	var b strings.Builder
	fmt.Fprintf(&b, "APICallResult=%d&APICallDiagnostic=%s&OpCodesProcessed=%d&OpCodesInError=%d",
		a.result, url.QueryEscape(a.diagnostic), len(a.ops), a.inError)
	for _, op := range a.ops {
		fmt.Fprintf(&b, "&OpCode=%s&Status=%d&Message=%s", url.QueryEscape(op.code), op.status, url.QueryEscape(op.message))
		if op.name != "" {
			fmt.Fprintf(&b, "&%s=%s", op.name, url.QueryEscape(op.value))
		}
	}
	return b.String()
}

func (a answer) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### APICallResult=%d APICallDiagnostic=%s OpCodesProcessed=%d OpCodesInError=%d\n",
		a.result, a.diagnostic, len(a.ops), a.inError)
	for _, op := range a.ops {
		fmt.Fprintf(&b, "\n## OpCode=%s Status=%d Message=%s\n", op.code, op.status, op.message)
		if op.name != "" {
			fmt.Fprintf(&b, "\n%s\n\n%s\n", op.name, op.value)
		}
	}
	return b.String()
}

func quoted(s string) string { return `"` + escaped(s) + `"` }

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder never fails
	return b.String()
}
