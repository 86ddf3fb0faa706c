package bench

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/notified"
)

// notifiedReply is as short as a success can be: the longer a reply is, the less
// of a call's time is the client's own.
const notifiedReply = `<?xml version="1.0"?><APIResults APICallResult="0" APICallDiagnostic="" OpCodesProcessed="1" OpCodesInError="0">` +
	`<OpCodeResult OpCode="M" Status="0" Message=""><ResultRow><AddOnsAdded>2</AddOnsAdded></ResultRow></OpCodeResult></APIResults>`

// benchmarkCall delivers the push of one product from as many workers as a
// sender has. The server's allocations count too.
func benchmarkCall(b *testing.B, product amsbridge.Product, client interface {
	amsbridge.Platform
	CloseIdleConnections()
},
) {
	b.Cleanup(client.CloseIdleConnections)
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{product}})
	require.NoError(b, err)
	hook, made, err := collecting(catalog)
	require.NoError(b, err)
	_, err = hook.OrderCompleted(b.Context(), struct{}{}, orderOf(1, 1))
	require.NoError(b, err)
	require.Len(b, made.msgs, 1)
	b.ReportAllocs()
	b.ResetTimer()
	require.NoError(b, times(b.Context(), b.N, workers, func(ctx context.Context) error {
		_, err := straight{client}.Deliver(ctx, made.msgs[0])
		return err
	}))
}

func BenchmarkElevateCall(b *testing.B) {
	p, err := StartPlatform(b.Context(), 0)
	require.NoError(b, err)
	b.Cleanup(p.Close)
	client, err := elevateAt(p.URL, workers)
	require.NoError(b, err)
	benchmarkCall(b, amsbridge.Product{ID: course, RemoteProductID: course}, client)
}

func BenchmarkNotifiedCall(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, notifiedReply)
	}))
	b.Cleanup(server.Close)
	client, err := notified.New(notified.Config{
		BaseURL: server.URL + "/scripts/Server.nxp", AllowLoopbackHTTP: true, Concurrency: workers,
		AuthCode: "5up3r-c0de/1", Credentials: "5up3r-s3cr3t+1",
	})
	require.NoError(b, err)
	benchmarkCall(b, amsbridge.Product{ID: course, ShowKey: 77001, AddOnKeys: []int64{9985, 10342}}, client)
}
