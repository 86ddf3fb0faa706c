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

// write lays a reply out; what is empty is left out.
func write(f OutputFormat, r reply) string {
	switch {
	case r.failed:
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
		got, err := format.parse(body)
		require.NoError(t, err, file)
		require.Equal(t, want, got, file)
		for _, other := range formats {
			if other != format {
				_, d := judge(other, body, false, 3, false)
				require.NotNil(t, d, "%s read as %s", file, other)
				require.Equal(t, outbox.OutcomeUnknown, d.Outcome)
			}
		}
	}
}

// randomReply is one of replies that every format can carry: no line breaks, no
// empty value, one column, and an OpCode in each result.
func randomReply(r *rand.Rand) reply {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	text := func() string {
		var b strings.Builder
		for range r.IntN(6) {
			b.WriteString(pick("OK", "User Not Found!", " ", "\u00a0", "&", "&amp;", ";", "=", "+", "%", "%20", "100% sure", "#", "##", "<b>", "]]>",
				`"`, "'", "\u201d", "\u00e9", "\U0001f393", " Status=0", " OpCode=M", " APICallResult=0", "AddOnsAdded=2", "a;b=c&d", "\t", "\u2028"))
		}
		return b.String()
	}
	whole := reply{
		result: pick("0", "0", "0", "0", "7", "-1", "x", ""), diagnostic: pick(text(), "OK", "Invalid API Credentials Supplied!"),
		processed: pick("0", "1", "1", "1", "2", ""), inError: pick("0", "0", "0", "1", ""),
	}
	switch r.IntN(12) {
	case 0:
		return reply{failed: true, diagnostic: whole.diagnostic}
	case 1, 2, 3:
		whole.result, whole.processed, whole.inError = "0", "1", "0"
		whole.ops = []opResult{{code: "M", status: pick("0", "0", "71", "51"), message: text(), rows: []row{{{"AddOnsAdded", pick("1", "2")}}}}}
		return whole
	}
	if whole.result+whole.processed+whole.inError == "" {
		whole.result = "0" // or it is no reply in any format but XML
	}
	for range []int{1, 1, 1, 1, 2, 3, 0}[r.IntN(7)] {
		op := opResult{code: pick("M", "M", "M", "M", "I", "m", "MM"), status: pick("0", "0", "71", "72", "51", "12345", "OK", ""), message: text()}
		column := pick("AddOnsAdded", "AddOnsAdded", "AddOnsAdded", "AddOnKey")
		for range []int{1, 1, 1, 2, 0}[r.IntN(5)] {
			op.rows = append(op.rows, row{{column, pick("0", "1", "2", "2", "2", "-2", "many words & more", "99999999999")}})
		}
		whole.ops = append(whole.ops, op)
	}
	return whole
}

// TestFormatsAgree: whatever the reply, all formats read as what was written,
// and hence come to the same.
func TestFormatsAgree(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 72)) //nolint:gosec // a corpus, not a secret
	met := map[outbox.Outcome]int{}
	for i := range 2000 {
		written := randomReply(random)
		want := written
		want.diagnostic = plain(want.diagnostic)
		want.ops = nil
		for _, op := range written.ops {
			op.message = plain(op.message)
			want.ops = append(want.ops, op)
		}
		for _, f := range formats {
			body := write(f, written)
			got, err := f.parse([]byte(body))
			require.NoError(t, err, "reply %d in %s: %q", i, f, body)
			require.Equal(t, want, got, "reply %d in %s: %q", i, f, body)
			outcome := outbox.OutcomeDelivered
			if _, d := judge(f, []byte(body), false, 2, false); d != nil {
				outcome = d.Outcome
			}
			met[outcome]++
		}
	}
	for _, o := range []outbox.Outcome{
		outbox.OutcomeDelivered, outbox.OutcomeRejected, outbox.OutcomeNotReady, outbox.OutcomeUnauthorized, outbox.OutcomeUnknown,
	} {
		require.GreaterOrEqual(t, met[o], 3*20, fmt.Sprintf("the corpus has too few that are %s", o))
	}
}
