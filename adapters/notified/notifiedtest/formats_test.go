package notifiedtest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// chain is answered with no output, two rows, and an error, after which the last opcode does not run.
const chain = cmd + login + "&OpCodeList=UAMA&LookupByExternalUserID=1&ExternalUserID=u-1&ShowKey=1&AddOnsChangeList=15"

func TestFormats(t *testing.T) {
	t.Parallel()
	plain := func(*notifiedtest.Config) {}
	for name, c := range map[string]struct {
		query, contentType, want string
		change                   func(*notifiedtest.Config)
	}{
		"X": {add + "&OutputFormat=X", "text/xml; charset=utf-8", `<?xml version="1.0" encoding="utf-8" ?>
<APIResults APICallResult="0" APICallDiagnostic="OK" OpCodesProcessed="1" OpCodesInError="0" >
<OpCodeResult OpCode="M" Status="0" Message="OK" >
 <ResultRow>
  <AddOnsAdded>2</AddOnsAdded>
 </ResultRow>
</OpCodeResult>
</APIResults>
`, plain},
		"X with curly quotes": {add + "&OutputFormat=X", "text/xml; charset=utf-8", `<?xml version="1.0" encoding="utf-8" ?>
<APIResults APICallResult="0" APICallDiagnostic="OK" OpCodesProcessed="1" OpCodesInError=”0” >
<OpCodeResult OpCode="M" Status="0" Message="OK" >
 <ResultRow>
  <AddOnsAdded>2</AddOnsAdded>
 </ResultRow>
</OpCodeResult>
</APIResults>
`, func(cfg *notifiedtest.Config) { cfg.CurlyQuotes = true }},
		"X, chained, texts encoded": {chain + "&OutputFormat=X", "text/xml; charset=utf-8", `<?xml version="1.0" encoding="utf-8" ?>
<APIResults APICallResult="0" APICallDiagnostic="OK" OpCodesProcessed="3" OpCodesInError="1" >
<OpCodeResult OpCode="U" Status="0" Message="OK" >
</OpCodeResult>
<OpCodeResult OpCode="A" Status="0" Message="OK" >
 <ResultRow>
  <AddOnItemKey>11</AddOnItemKey>
 </ResultRow>
 <ResultRow>
  <AddOnItemKey>12</AddOnItemKey>
 </ResultRow>
</OpCodeResult>
<OpCodeResult OpCode="M" Status="90002" Message="AddOn%20Not%20In%20Package%21" >
</OpCodeResult>
</APIResults>
`, func(cfg *notifiedtest.Config) { cfg.EncodeText = true }},
		"H": {
			add + "&OutputFormat=H", "text/plain; charset=utf-8",
			"APICallResult=0&APICallDiagnostic=OK&OpCodesProcessed=1&OpCodesInError=0&OpCode=M&Status=0&Message=OK&AddOnsAdded=2", plain,
		},
		"H, chained": {
			chain + "&OutputFormat=H", "text/plain; charset=utf-8",
			"APICallResult=0&APICallDiagnostic=OK&OpCodesProcessed=3&OpCodesInError=1&OpCode=U&Status=0&Message=OK" +
				"&OpCode=A&Status=0&Message=OK&AddOnItemKey=11&AddOnItemKey=12&OpCode=M&Status=90002&Message=AddOn+Not+In+Package%21", plain,
		},
		"T":       {add + "&OutputFormat=T", "text/plain; charset=utf-8", oneText, plain},
		"default": {add, "text/plain; charset=utf-8", oneText, plain},
		"T as the vendor's page shows it": {
			add + "&OutputFormat=T", "text/plain; charset=utf-8",
			strings.Join(strings.Split(strings.TrimSuffix(oneText, "\r\n"), "\r\n"), "\n\n") + "\n",
			func(cfg *notifiedtest.Config) { cfg.BlankLines = true },
		},
		"T, chained": {chain, "text/plain; charset=utf-8", "### APICallResult=0 APICallDiagnostic=OK OpCodesProcessed=3 OpCodesInError=1\r\n" +
			"## OpCode=U Status=0 Message=OK\r\n## OpCode=A Status=0 Message=OK\r\nAddOnItemKey\r\n11\r\n12\r\n" +
			"## OpCode=M Status=90002 Message=AddOn Not In Package!\r\n", plain},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config()
			c.change(&cfg)
			s := sandbox(t, cfg)
			if strings.HasPrefix(c.query, chain) {
				get(s, add)
			}
			w := get(s, c.query)
			require.Equal(t, 200, w.Code)
			require.Equal(t, c.contentType, w.Header().Get("Content-Type"))
			require.Equal(t, c.want, w.Body.String())
		})
	}
}

const oneText = "### APICallResult=0 APICallDiagnostic=OK OpCodesProcessed=1 OpCodesInError=0\r\n" +
	"## OpCode=M Status=0 Message=OK\r\nAddOnsAdded\r\n2\r\n"
