package notified

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// What plainXML reads, encoding/xml reads as the same.
func FuzzPlainXML(f *testing.F) {
	for _, seed := range []string{
		`<CallFailed Diag="a%20b"/>`, `<CallFailed Diag="x">y</CallFailed >`, `<CallFailed><a/></CallFailed>`,
		`<?xml version="1.0"?><?xml version="1.0"?><APIResults/>`, "\ufeff \r\n<APIResults/>\n", " <?xml version=\"1.0\"?><APIResults/>",
		"<APIResults a=\"1\"\r\n\tb-.c=\">'\" />", `<APIResults a="1"b="2"/>`, `<APIResults a="1" a="2"/>`, `<APIResults a='1'/>`,
		`<APIResults xmlns="x"/>`, `<APIResults x:y="x"/>`, `<APIResults a="<"/>`, "<APIResults APICallResult=\"a\rb\"/>", `<APIResults a="]]>"/>`,
		`<APIResults>]]></APIResults>`, `<APIResults>&amp;</APIResults>`, `<APIResults></APIResult>`, `<APIResults><Other/></APIResults>`,
		`<APIResults><OpCodeResult OpCode="M"><ResultRow> <A>1</A> <A/> <A x="y"> 2</A></ResultRow><ResultRow></ResultRow>x</OpCodeResult></APIResults>`,
		"<APIResults><OpCodeResult><ResultRow><A>1\r2</A></ResultRow></OpCodeResult></APIResults>",
		`<APIResults><OpCodeResult><ResultRow><A>1<!-- x -->2</A></ResultRow></OpCodeResult></APIResults>`,
		`<APIResults><OpCodeResult><ResultRow><A><B/></A></ResultRow></OpCodeResult></APIResults>`,
		`<APIResults><1/></APIResults>`, `<APIResults/>x`, `<APIResults/><APIResults/>`, "<APIResults>\x01</APIResults>", "<APIResults>é\x7f</APIResults>",
		"<APIResults a=\"\uffff\"/>", "<APIResults>\ufffe</APIResults>", "<APIResults a=\"\xff\"/>", "<APIResults a=\"\u0085\u00a0\"/>", "<APIResults\u00a0/>",
	} {
		f.Add([]byte(seed))
	}
	f.Add(bytes.ReplaceAll(bytes.ReplaceAll(vendorSample(f), []byte("\u201c"), []byte(`"`)), []byte("\u201d"), []byte(`"`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, ok := plainXML(string(body))
		if !ok {
			require.Equal(t, reply{}, got)
			return
		}
		want, err := fullXML(string(body))
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

// A reply laid out as the vendor's sample is, but with straight quotes, needs no
// second reading, nor does one of another data centre's line ends.
func TestPlainXMLReadsCommonReplies(t *testing.T) {
	t.Parallel()
	sample := bytes.ReplaceAll(vendorSample(t), []byte("\u201d"), []byte(`"`))
	for _, body := range [][]byte{
		sample, bytes.ReplaceAll(sample, []byte("\n"), []byte("\r\n")),
		[]byte(`<CallFailed Diag="Invalid API Credentials Supplied!"/>`),
		[]byte(results("0", "1", "0", op("A", "0", "OK", "<ResultRow><AddOnItemKey>1</AddOnItemKey></ResultRow><ResultRow/>"))),
	} {
		_, ok := plainXML(string(body))
		require.True(t, ok, "%s", body)
	}
}
