package notified

import (
	"encoding/xml"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// vendorSample is the XML of the vendor's text, byte for byte.
func vendorSample(tb testing.TB) []byte {
	tb.Helper()
	b, err := os.ReadFile("testdata/vendor-sample.xml")
	require.NoError(tb, err)
	require.Contains(tb, string(b), "OpCodesInError=\u201d0\u201d >", "the sample's slip must be there")
	return b
}

func TestParseXMLReadsTheVendorsSample(t *testing.T) {
	t.Parallel()
	sample := vendorSample(t)
	_, err := decodeXML(string(sample))
	require.Error(t, err, "a strict reader refuses it, or nothing needed mending")
	r, err := parseXML(string(sample))
	require.NoError(t, err)
	require.Equal(t, reply{
		result: "0", diagnostic: "OK", processed: "1", inError: "0",
		ops: []opResult{{code: "M", status: "0", message: "OK", rows: []row{{{"AddOnsAdded", "3"}}}}},
	}, r)
}

func TestParseXMLTexts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ attr, want string }{
		"percent-encoded":           {"User%20Not%20Found%21", "User Not Found!"},
		"form-encoded":              {"User+Not%20Found!", "User Not Found!"},
		"plus alone":                {"a+b", "a+b"},
		"only looks encoded":        {"100% sure", "100% sure"},
		"entities of XML":           {"a &lt;b&gt; &amp; &#8220;c&#x201d;", "a <b> & \u201cc\u201d"},
		"curly quotes in the value": {"he said \u201cno\u201d ", "he said \u201cno\u201d"},
		"no-break spaces":           {"\u00a0OK\u00a0", "OK"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := parseXML(`<APIResults><Later><OpCodeResult/></Later><OpCodeResult Message="` + c.attr + `"/></APIResults>`)
			require.NoError(t, err)
			require.Equal(t, []opResult{{message: c.want}}, r.ops)
		})
	}
}

func TestParseXMLRefuses(t *testing.T) {
	t.Parallel()
	bomb := `<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>`
	for name, body := range map[string]string{
		"nothing":              "",
		"white space":          " \n\u00a0",
		"text":                 "OK",
		"login page":           "<!DOCTYPE html><html><body>Sign in</body></html>",
		"bare html":            "<html><body>Sign in</body></html>",
		"another root":         `<Results APICallResult="0"/>`,
		"root in lower case":   `<apiresults APICallResult="0"/>`,
		"entity bomb":          bomb + `<APIResults APICallResult="0" APICallDiagnostic="&b;"/>`,
		"document type":        `<!DOCTYPE APIResults><APIResults APICallResult="0"/>`,
		"unknown entity":       `<APIResults APICallDiagnostic="&nbsp;"/>`,
		"truncated":            `<APIResults APICallResult="0"><OpCodeResult OpCode="M" Status="0">`,
		"truncated in a tag":   `<APIResults APICallResult="0`,
		"two roots":            `<APIResults/><APIResults/>`,
		"text after the root":  `<APIResults/>OK`,
		"attribute twice":      `<APIResults APICallResult="1" APICallResult="0"/>`,
		"call failed inside":   `<APIResults><CallFailed Diag="x"/></APIResults>`,
		"status inside":        `<APIResults><APIStatus Code="0"/></APIResults>`,
		"unknown, twice":       `<APIResults Later="1" Later="0"/>`,
		"document type inside": `<APIResults><!DOCTYPE APIResults></APIResults>`,
		"text before the root": `OK<APIResults/>`,
		"end tag of another":   `<APIResults></APIResult>`,
		"unknown and too deep": `<APIResults>` + strings.Repeat("<Later>", 8) + strings.Repeat("</Later>", 8) + `</APIResults>`,
		"results in results":   `<APIResults><APIResults/></APIResults>`,
		"too deep":             strings.Repeat("<APIResults>", 9) + strings.Repeat("</APIResults>", 9),
		"not UTF-8":            "<APIResults APICallDiagnostic=\"\xff\"/>",
		"curly quote unclosed": "<APIResults APICallResult=\u201d0 />",
		"straight unclosed":    "<APIResults OpCodesInError=\u201d0\u201d APICallResult=\"0 />",
		"curly opened only":    "<APIResults APICallResult=\u201d0\" />",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseXML(body)
			require.ErrorIs(t, err, errNotReply)
		})
	}
}

func TestMendQuotes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"as in the sample":         {"<a b=\u201d0\u201d >", `<a b="0" >`},
		"an opening and a closing": {"<a b=\u201c0\u201d/>", `<a b="0"/>`},
		"white space around":       {"<a b = \u201c0\u201d\n>", "<a b = \"0\"\n>"},
		"prologue":                 {"<?xml version=\u201c1.0\u201d?><a/>", `<?xml version="1.0"?><a/>`},
		"straight inside":          {"<a b=\u201che said \"no\"\u201d>", `<a b="he said &quot;no&quot;">`},
		"curly inside":             {"<a b=\u201cx\u201dy\u201d>", "<a b=\"x\u201dy\">"},
		"a greater-than inside":    {"<a b=\u201c1>0\u201d>", `<a b="1>0">`},
		"not in text":              {"<a b=\u201c1\u201d>=\u201c2\u201d</a>", "<a b=\"1\">=\u201c2\u201d</a>"},
		"not in good values":       {"<a b=\"=\u201c2\u201d \" c=\u201d1\u201d>", "<a b=\"=\u201c2\u201d \" c=\"1\">"},
		"not in single quotes":     {"<a b='=\u201c2\u201d ' c=\u201d1\u201d>", "<a b='=\u201c2\u201d ' c=\"1\">"},
		"not in comments":          {"<!-- <a b=\u201c1\u201d> --><a c=\u201d1\u201d>", "<!-- <a b=\u201c1\u201d> --><a c=\"1\">"},
		"not in CDATA":             {"<a b=\u201c1\u201d><![CDATA[<c d=\u201c1\u201d>]]></a>", "<a b=\"1\"><![CDATA[<c d=\u201c1\u201d>]]></a>"},
		"nothing to mend":          {`<a b="1">` + "\u201cx\u201d</a>", ""},
		"comment unclosed":         {"<a b=\u201d1\u201d><!-- ", ""},
		"tag unclosed":             {"<a b=\u201d1\u201d", ""},
		"tag unclosed behind":      {"<a b=\u201d1\u201d c", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := mendQuotes(c.in)
			require.Equal(t, c.want != "", ok)
			if ok {
				require.Equal(t, c.want, got)
			}
		})
	}
}

func FuzzParseXML(f *testing.F) {
	f.Add(vendorSample(f))
	f.Add([]byte(`<CallFailed Diag="Invalid API Credentials Supplied!"/>`))
	f.Add([]byte(results("0", "2", "0", op("A", "0", "OK", "<ResultRow><AddOnItemKey>1</AddOnItemKey></ResultRow><ResultRow/>")+op("T", "0", "", "<ResultRow><LoginTicketKey>x</LoginTicketKey></ResultRow>"))))
	f.Add([]byte("<a b=\u201c1\u201d><![CDATA[x]]><!-- y --></a>"))
	f.Add([]byte("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"))
	for _, seed := range []string{
		`<CallFailed Diag="x">y</CallFailed >`, `<APIStatus Code="0" Diag="OK"><APIResults/></APIStatus>`,
		`<?xml version="1.0"?><?xml version="1.0"?><APIResults/>`, "\ufeff \r\n<APIResults/>\n", " <?xml version=\"1.0\"?><APIResults/>",
		"<APIResults a=\"1\"\r\n\tb-.c=\">'\" />", `<APIResults a="1"b="2"/>`, `<APIResults a="1" a="2"/>`, `<APIResults a='1'/>`,
		`<APIResults xmlns="x"/>`, `<APIResults x:y="x"/>`, `<APIResults a="<"/>`, "<APIResults APICallResult=\"a\rb\"/>", `<APIResults a="]]>"/>`,
		`<APIResults>]]></APIResults>`, `<APIResults>&amp;</APIResults>`, `<APIResults></APIResult>`, `<APIResults><Other/></APIResults>`,
		`<APIResults><OpCodeResult><ResultRow><A>1<!-- x -->2</A><A><B/></A></ResultRow></OpCodeResult></APIResults>`,
		`<APIResults/>x`, `<APIResults/><APIResults/>`, "<APIResults>\x01</APIResults>", "<APIResults a=\"\uffff\"/>", "<APIResults a=\"\xff\"/>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parseXML(string(body))
		if err != nil {
			require.ErrorIs(t, err, errNotReply, "the decoder's own words quote the body")
			require.Equal(t, reply{}, r)
		}
		if mended, ok := mendQuotes(string(body)); ok {
			require.Equal(t, strings.Count(string(body), "<!--"), strings.Count(mended, "<!--"))
			_, again := mendQuotes(mended)
			require.False(t, again, "mending twice changes more than mending once: %q", mended)
		}
		requireStepsOrReason(t, FormatXML, body)
		if _, d := judge(FormatXML, "M", body); d == nil {
			require.Contains(t, string(body), "AddOnsAdded")
			require.Contains(t, string(body), "APICallResult")
		}
	})
}

// FuzzXMLTexts: every message is read as it was written, between straight quotes and between curly
// ones.
func FuzzXMLTexts(f *testing.F) {
	f.Add("User Not Found!")
	f.Add("he said \u201cno\u201d > \"yes\" & <b>")
	f.Fuzz(func(t *testing.T, message string) {
		if !utf8.ValidString(message) || strings.ContainsAny(message, "%\ufffd") {
			return // XML cannot hold it, or it is percent-encoded
		}
		var b strings.Builder
		require.NoError(t, xml.EscapeText(&b, []byte(message)))
		if strings.Contains(b.String(), "\ufffd") {
			return // XML has no such character
		}
		for _, quote := range []string{`"`, "\u201d"} {
			if quote != `"` && strings.ContainsAny(message, curly) {
				continue // the end of such a value is ambiguous
			}
			r, err := parseXML("<APIResults><OpCodeResult Message=" + quote + b.String() + quote + " /></APIResults>")
			require.NoError(t, err)
			require.Equal(t, strings.TrimSpace(message), r.ops[0].message)
		}
	})
}
