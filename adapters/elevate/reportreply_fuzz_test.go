package elevate

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Bytes are a report only as one JSON list of objects, each of which becomes one row with a time.
func FuzzReport(f *testing.F) {
	for _, s := range []string{
		`[]`, `[{}]`, `{"error":"x"}`, `[],"x":[]`, "\ufeff[]", `<html>`, `[{"user":{"firstname":"a","lastname":"b","email":"c"},` +
			`"product":{"title":null,"remote_product_id":7},"transaction_at":"2026-03-01 10:00:00"}]`,
		`[{"user.firstname":"a","user.lastname":"b","user.email":"c","product.title":"t","product.remote_product_id":"p",` +
			`"transaction_at":"2026-03-01T10:00:00Z"}]`,
	} {
		f.Add([]byte(s))
	}
	p := GuessedReportProfile()
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, failure := p.read(string(body))
		if failure != nil {
			require.Empty(t, rows)
			require.NotEmpty(t, failure.Reason)
			return
		}
		var list []map[string]any
		require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(string(body), "\ufeff")), &list))
		require.Len(t, rows, len(list))
		for i := range rows {
			require.Contains(t, list[i], "transaction_at")
			text, _ := list[i]["transaction_at"].(string)
			_, sql := time.Parse(time.DateTime, text)
			_, rfc := time.Parse(time.RFC3339, text)
			require.True(t, sql == nil || rfc == nil)
		}
	})
}
