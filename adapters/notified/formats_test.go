package notified

import (
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

var formats = []OutputFormat{FormatXML, FormatPairs, FormatText}

// write writes a reply in a format, without its empty parts.
func write(f OutputFormat, r reply) string {
	switch {
	case r.failed != "":
		return "<CallFailed" + parts("", " ", quoteXML, field{"Diag", r.diagnostic}) + "/>"
	case f == FormatPairs:
		return strings.TrimPrefix(writePairs(r), "&")
	case f == FormatText:
		return writeText(r)
	}
	return writeXML(r)
}

func writeXML(r reply) string {
	var b strings.Builder
	b.WriteString("<APIResults" + parts("", " ", quoteXML, r.head()...) + ">\n")
	for _, op := range r.ops {
		b.WriteString("<OpCodeResult" + parts("", " ", quoteXML, op.head()...) + ">\n")
		for _, row := range op.rows {
			b.WriteString(" <ResultRow>")
			for _, f := range row {
				b.WriteString("<" + f.name + ">" + escapeXML(f.value) + "</" + f.name + ">")
			}
			b.WriteString("</ResultRow>\n")
		}
		b.WriteString("</OpCodeResult>\n")
	}
	return b.String() + "</APIResults>\n"
}

func writePairs(r reply) string {
	var b strings.Builder
	b.WriteString(parts("", "&", url.QueryEscape, r.head()...))
	for _, op := range r.ops {
		b.WriteString(parts("", "&", url.QueryEscape, op.head()...))
		for _, row := range op.rows {
			b.WriteString(parts("", "&", url.QueryEscape, row...))
		}
	}
	return b.String()
}

func writeText(r reply) string {
	raw := func(s string) string { return s }
	var b strings.Builder
	b.WriteString(parts("###", " ", raw, r.head()...) + "\n\n")
	for _, op := range r.ops {
		b.WriteString(parts("##", " ", raw, op.head()...) + "\n\u00a0\n")
		for i, row := range op.rows {
			if i == 0 {
				b.WriteString(row[0].name + "\n\n")
			}
			b.WriteString(row[0].value + "\n\n")
		}
	}
	return b.String()
}

func (r reply) head() []field {
	return []field{
		{"APICallResult", r.result},
		{"APICallDiagnostic", r.diagnostic},
		{"OpCodesProcessed", r.processed},
		{"OpCodesInError", r.inError},
	}
}

func (op opResult) head() []field {
	return []field{{"OpCode", op.code}, {"Status", op.status}, {"Message", op.message}}
}

func parts(start, before string, encode func(string) string, fields ...field) string {
	for _, f := range fields {
		if f.value != "" {
			start += before + f.name + "=" + encode(f.value)
		}
	}
	return start
}

func quoteXML(s string) string { return `"` + escapeXML(s) + `"` }

func escapeXML(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder never fails
	return b.String()
}

func TestVendorsSamplesOfAllFormats(t *testing.T) {
	t.Parallel()
	want := reply{
		result: "0", diagnostic: "OK", processed: "1", inError: "0",
		ops: []opResult{{code: "M", status: "0", message: "OK", rows: []row{{{"AddOnsAdded", "3"}}}}},
	}
	for format, file := range map[OutputFormat]string{
		FormatXML: "vendor-sample.xml", FormatPairs: "vendor-sample-pairs.txt", FormatText: "vendor-sample-text.txt",
	} {
		body, err := os.ReadFile("testdata/" + file)
		require.NoError(t, err)
		got, err := format.parse(string(body))
		require.NoError(t, err, file)
		require.Equal(t, want, got, file)
		for _, asked := range formats {
			require.Equal(t, format, formatOf(string(body), asked), "%s, asked for %s", file, asked)
		}
	}
}

// TestFormatOf: what a reply is does not depend on what was asked for, unless it shows neither.
func TestFormatOf(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]OutputFormat{
		"\ufeff\u00a0<APIResults/>":                                      FormatXML,
		"<CallFailed Diag='a&OpCode=M b OpCode=M'/>":                     FormatXML,
		"<html>APICallResult=0&OpCode=M":                                 FormatXML,
		"APICallResult=3&APICallDiagnostic=Bad Call OpCode=M":            FormatPairs,
		"Version=2&APICallResult=0 &OpCode=M":                            FormatPairs,
		"APICallResult=3 APICallDiagnostic=a&OpCode=M":                   FormatText,
		"APICallResult=0\n##OpCode=M Status=0":                           FormatText,
		"### APICallResult=0\u00a0APICallDiagnostic=OK":                  FormatText,
		"#APICallResult=0\r\n\r\nOpCode=M Status=0 Message=a&Message=b&": FormatText,
	} {
		for _, asked := range formats {
			require.Equal(t, want, formatOf(body, asked), "%q, asked for %s", body, asked)
		}
	}
	for _, body := range []string{"", "OK", "APICallResult=7", "APICallResult=0&x=1", "Service Unavailable"} {
		require.Equal(t, FormatPairs, formatOf(body, FormatPairs), body)
		require.Equal(t, FormatText, formatOf(body, FormatText), body)
		require.Equal(t, FormatText, formatOf(body, FormatXML), body)
	}
}

// FuzzAnyFormat: whatever is asked for and comes, a success has every part of the vendor's sample.
func FuzzAnyFormat(f *testing.F) {
	for _, file := range []string{"vendor-sample.xml", "vendor-sample-pairs.txt", "vendor-sample-text.txt"} {
		body, err := os.ReadFile("testdata/" + file)
		require.NoError(f, err)
		f.Add(body)
	}
	f.Add([]byte("#APICallResult=0&OpCode=M\n"))
	f.Add([]byte("APICallResult=0 OpCodesProcessed=1&OpCode=M&Status=00&AddOnsAdded=1"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, asked := range formats {
			came := formatOf(string(body), asked)
			require.Contains(t, formats, came)
			requireStepsOrReason(t, came, body)
			if _, d := judge(came, "M", body); d == nil {
				for _, key := range []string{"APICallResult", "OpCode", "Status", "AddOnsAdded"} {
					require.Contains(t, unescape(string(body)), key)
				}
			}
		}
	})
}

// corpus makes random replies that every format can carry: no line breaks, no empty value, one column,
// and an OpCode in each result.
type corpus struct{ *rand.Rand }

func (c corpus) pick(of ...string) string { return of[c.IntN(len(of))] }

func (c corpus) asked() OutputFormat { return formats[c.IntN(len(formats))] }

func (c corpus) text() string {
	var b strings.Builder
	for range c.IntN(6) {
		b.WriteString(c.pick("OK", "User Not Found!", " ", "\u00a0", "&", "&amp;", ";", "=", "+", "%", "%20", "100% sure", "#", "##", "<b>", "]]>",
			`"`, "'", "\u201d", "\u00e9", "\U0001f393", " Status=0", " OpCode=M", " APICallResult=0", "AddOnsAdded=2", "a;b=c&d", "\t", "\u2028"))
	}
	return b.String()
}

// rows returns mostly the rows that an opcode answers.
func (c corpus) rows(code string) []row {
	names := DefaultNames()
	name, values, n := "", []string{"0", "1", "2", "3", "10342"}, 1
	switch code {
	case "M":
		name = "AddOnsAdded"
	case "N":
		name = names.AddOnsRemovedOutput
	case "A":
		name, n = names.AddOnOutput, c.IntN(6)
	case "K":
		name = names.ShowPackageOutput
	case "T":
		name, values = names.LoginTicketOutput, []string{"8F2-aa", "a+b/c==", "x&y;z", "%41bc", "two words"}
	case "Z":
		name = "RegistrationKey"
	default:
		return nil
	}
	if c.IntN(8) == 0 {
		name, n = c.pick(name, "AddOnKey"), c.IntN(4)
		values = append(values, "-2", "many words & more", "99999999999", "99999999999999999999", "007", "1e3")
	}
	var rows []row
	for range n {
		rows = append(rows, row{{name, c.pick(values...)}})
	}
	return rows
}

// reply makes a reply to a call of these opcodes; one in three does not fit the call at all.
func (c corpus) reply(codes string) reply {
	asked := fmt.Sprint(len(codes))
	whole := reply{result: "0", diagnostic: c.pick(c.text(), "OK", "Invalid API Credentials Supplied!"), processed: asked, inError: "0"}
	if c.IntN(16) == 0 {
		return reply{failed: "CallFailed", diagnostic: whole.diagnostic}
	}
	odd := c.IntN(3) == 0
	if odd {
		whole.result = c.pick("0", "0", "0", "7", "-1", "x", "")
		whole.processed, whole.inError = c.pick("0", "1", asked, "2", ""), c.pick("0", "0", "1", "")
		if whole.result+whole.processed+whole.inError == "" {
			whole.result = "0" // otherwise only XML would take it for a reply
		}
	}
	for _, letter := range codes {
		code := string(letter)
		op := opResult{code: code, status: c.pick("0", "0", "0", "0", "0", "44", "51", "71", "72"), message: c.text(), rows: c.rows(code)}
		switch {
		case odd && c.IntN(4) == 0:
			op.code, op.status = c.pick(code, "M", "I", "m", "MM"), c.pick("0", "12345", "OK", "")
		case odd && c.IntN(8) == 0:
			return whole // stopped early
		}
		whole.ops = append(whole.ops, op)
		if op.status != "0" && c.IntN(4) > 0 {
			return whole
		}
	}
	return whole
}

// TestFormatsAgree: every format reads as what was written, and so gives the same steps and the same
// error.
func TestFormatsAgree(t *testing.T) {
	t.Parallel()
	random := corpus{rand.New(rand.NewPCG(7, 72))} //nolint:gosec // a corpus, not a secret
	met, tickets, rows := map[outbox.Outcome]int{}, 0, 0
	for i := range 4000 {
		codes := random.pick("M", "N", "A", "K", "R", "T", "CrM", "CrT", "KA", "KRM", "NAZ", "CIUKRrMNATZ")
		written := random.reply(codes)
		want := written
		want.diagnostic = plain(want.diagnostic)
		want.ops = nil
		for _, op := range written.ops {
			op.message = plain(op.message)
			var read []row
			for _, r := range op.rows {
				read = append(read, row{{r[0].name, plain(r[0].value)}})
			}
			op.rows = read
			want.ops = append(want.ops, op)
		}
		first := ""
		for _, f := range formats {
			body := write(f, written)
			came := formatOf(body, random.asked())
			require.True(t, came == f || written.failed != "" || !strings.Contains(body, "&"), "reply %d in %s: %q", i, f, body)
			got, err := came.parse(body)
			require.NoError(t, err, "reply %d in %s: %q", i, f, body)
			require.Equal(t, want, got, "reply %d in %s: %q", i, f, body)
			steps, d := judge(came, codes, []byte(body))
			outcome := outbox.OutcomeDelivered
			if d != nil {
				outcome = d.Outcome
			}
			met[outcome]++
			this := fmt.Sprintf("%+v %v", steps, d)
			for _, s := range steps {
				this += s.Ticket.URL()
				tickets += len(s.Ticket.Key())
				rows = max(rows, len(s.AddOns))
			}
			if first == "" {
				first = this
			}
			require.Equal(t, first, this, "reply %d in %s: %q", i, f, body)
		}
	}
	for _, o := range []outbox.Outcome{
		outbox.OutcomeDelivered, outbox.OutcomeRejected, outbox.OutcomeNotReady, outbox.OutcomeUnauthorized, outbox.OutcomeUnknown,
	} {
		require.GreaterOrEqual(t, met[o], 3*20, fmt.Sprintf("the corpus has too few that are %s", o))
	}
	require.Positive(t, tickets)
	require.Greater(t, rows, 2)
}
