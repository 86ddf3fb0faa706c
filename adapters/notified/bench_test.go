package notified_test

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/notified"
)

// BenchmarkPOSTAndGET measures on this machine what a connection for each call costs: that of a POST is used
// again, that of a GET is not. Over a network two round trips come on top.
func BenchmarkPOSTAndGET(b *testing.B) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `<APIResults APICallResult="0" OpCodesProcessed="1" OpCodesInError="0"><OpCodeResult OpCode="M" Status="0" Message="OK">`+
			`<ResultRow><AddOnsAdded>1</AddOnsAdded></ResultRow></OpCodeResult></APIResults>`)
	}))
	b.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	for _, method := range []string{"POST", "GET"} {
		b.Run(method, func(b *testing.B) {
			client := newClient(b, notified.Config{BaseURL: srv.URL, RootCAs: roots, UseGET: method == "GET"})
			for b.Loop() {
				_, err := client.AddAddOns(b.Context(), ada, show, 9985)
				require.NoError(b, err)
			}
		})
	}
}
