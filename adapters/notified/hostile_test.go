package notified_test

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/notified"
)

// TestHostileRepliesTakeLittleMemory: neither texts full of escapes nor many outputs make a call
// allocate much.
//
//nolint:paralleltest // other tests would allocate too
func TestHostileRepliesTakeLittleMemory(t *testing.T) {
	escapes := strings.Repeat(`%2525252541+&amp;amp;amp;lt;\\\\u0041`, 1300)
	ticket := func(rows string) string {
		return `<APIResults APICallResult="0" OpCodesProcessed="1" OpCodesInError="0">` +
			`<OpCodeResult OpCode="T" Status="0" Message="OK">` + rows + `</OpCodeResult></APIResults>`
	}
	for _, c := range []struct {
		format notified.OutputFormat
		code   string
		body   string
	}{
		{notified.FormatXML, "M", fmt.Sprintf(`<APIResults APICallResult="0"><OpCodeResult OpCode="M" Status="99" Message="%s"/></APIResults>`, html.EscapeString(escapes))},
		{notified.FormatPairs, "M", "APICallResult=0&OpCode=M&Status=99&Message=" + url.QueryEscape(escapes)},
		{notified.FormatXML, "T", ticket("<ResultRow><LoginTicketKey>" + html.EscapeString(escapes) + "</LoginTicketKey></ResultRow>")},
		{notified.FormatXML, "T", ticket(strings.Repeat("<ResultRow><A>a%41b%</A></ResultRow>", 5000))},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, c.body) }))
		t.Cleanup(srv.Close)
		client := newClient(t, notified.Config{BaseURL: srv.URL + "/api", OutputFormat: c.format, MaxBody: 256 << 10})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := client.Chain(t.Context(), notified.Chain{OpCodes: c.code, Person: ada, ShowKey: show, AddOnKeys: []int64{9985}})
		runtime.ReadMemStats(&after)
		require.Error(t, err)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20), c.body[:50])
	}
}
