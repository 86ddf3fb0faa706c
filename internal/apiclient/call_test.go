package apiclient_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/apiclient"
	"github.com/amsbridge/amsbridge/outbox"
)

// Calls of one client do not affect each other.
func TestDoFollowsMethodAndURLOfEachCall(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = io.WriteString(w, r.Method+" "+r.URL.Path+" "+string(body)+" "+r.Header.Get("X"))
		}
		if err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(srv.Close)
	client := newClient(t, nil)
	for range 2 {
		for _, c := range []struct{ method, path, body, header, want string }{
			{http.MethodPost, "/a", "1", "x", "POST /a 1 x"},
			{http.MethodPost, "/a", "23", "", "POST /a 23 "},
			{http.MethodPost, "/b", "3", "y", "POST /b 3 y"},
			{http.MethodPut, "/b", "4", "", "PUT /b 4 "},
			{http.MethodGet, "/b", "", "", "GET /b  "},
			{http.MethodGet, "/c", "", "z", "GET /c  z"},
		} {
			req := request(srv.URL)
			req.Method, req.URL, req.Body = c.method, srv.URL+c.path, []byte(c.body)
			if c.header != "" {
				req.Header = http.Header{"X": {c.header}}
			}
			reply, err := client.Do(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, c.want, string(reply.Body))
		}
		_, err := client.Do(t.Context(), request("http://api.example.org/"))
		requireFailure(t, err, outbox.OutcomeRejected)
	}
}

// Nothing is taken out of words that are known: who knows "connection refused" would learn the name.
func TestOurOwnWordsStay(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	req := request(srv.URL)
	srv.Close()
	_, err := newClient(t, nil).Do(t.Context(), req)
	want := err.Error()
	require.Contains(t, want, "refused")
	req.Private = append(strings.Fields(want), "Nothing", "A", "The")
	_, err = newClient(t, nil).Do(t.Context(), req)
	require.EqualError(t, err, want)

	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(cut.Close)
	req.URL, req.Private = cut.URL, []string{"EOF", "Whole", "Came"}
	_, err = newClient(t, nil).Do(t.Context(), req)
	require.EqualError(t, err, "unknown: the request was sent and no whole answer came: EOF")
}

// What net/http says of TLS and of what is no HTTP holds common names, such as "To", "By" and "Verify", and may hold
// bytes of the other side. It is said in our own words.
func TestTransportErrorsAreInOurOwnWords(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	trusting := x509.NewCertPool()
	trusting.AddCert(secure.Certificate())
	mutual := httptest.NewUnstartedServer(http.NotFoundHandler())
	mutual.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}
	mutual.StartTLS()
	t.Cleanup(mutual.Close)
	says := func(text string) string {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(c, text)
				_ = c.Close()
			}
		}))
		t.Cleanup(srv.Close)
		return srv.URL
	}
	const noHTTP = "the connection failed, or what answers does not speak HTTP"
	for name, c := range map[string]struct {
		url, want string
		roots     *x509.CertPool
	}{
		"plain HTTP":        {url: strings.Replace(plain.URL, "http:", "https:", 1), want: "tls: what answers does not speak TLS; is the endpoint's URL right?"},
		"unknown authority": {url: secure.URL, roots: x509.NewCertPool(), want: "x509: the certificate is signed by an unknown authority"},
		"another host":      {url: strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), roots: trusting, want: "x509: the certificate is for another host"},
		"an alert":          {url: mutual.URL, roots: trusting, want: "the server ended the TLS handshake: tls: "},
		"no HTTP":           {url: says("hello To By Verify\r\n\r\n"), want: noHTTP},
		"a bad header":      {url: says("HTTP/1.1 200 OK\r\nTo By Verify\r\n\r\n"), want: noHTTP},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, func(cfg *apiclient.Config) { cfg.RootCAs = c.roots })
			req := request(c.url)
			req.Private = strings.Fields("To By Verify HTTP Response Tls Certificate Signed Server The Host localhost Bad Speak " + secret)
			_, err := client.Do(t.Context(), req)
			require.ErrorContains(t, err, ": "+c.want)
			require.NotContains(t, err.Error(), "[removed]")
			require.NotContains(t, err.Error(), "By Verify")
		})
	}
}

// What is echoed in Latin-1 is scrubbed too, and text that is UTF-8 but for a stray byte stays readable.
func TestBytesThatAreNotUTF8AreReadAsLatin1(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "Zo\xeb, caf\u00e9, \xff!")
	}))
	t.Cleanup(srv.Close)
	client := newClient(t, nil)
	reply, err := client.Do(t.Context(), request(srv.URL))
	require.NoError(t, err)
	require.Equal(t, "Zo\u00eb, caf\u00e9, \u00ff!", reply.Body)
	require.Equal(t, "[removed], caf\u00e9, \u00ff!", client.Detail(reply, "Zo\u00eb"))
}

// What is echoed in UTF-16 is read as such and scrubbed, and of what has NULs all the same nothing is kept.
func TestUTF16IsScrubbed(t *testing.T) {
	t.Parallel()
	echo := `{"key":"` + secret + "\",\"name\":\"Zo\u00eb \u674e\",\"more\":\"\u3000\U0001f600\"}"
	in := func(order binary.AppendByteOrder, text string) string {
		var b []byte
		for _, unit := range utf16.Encode([]rune(text)) {
			b = order.AppendUint16(b, unit)
		}
		return string(b)
	}
	wide := func(order binary.AppendByteOrder, text string) string {
		var b []byte
		for _, r := range text {
			b = order.AppendUint32(b, uint32(r))
		}
		return string(b)
	}
	client := newClient(t, nil)
	read := func(t *testing.T, body string) *apiclient.Reply {
		t.Helper()
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		t.Cleanup(srv.Close)
		reply, err := client.Do(t.Context(), request(srv.URL))
		require.NoError(t, err)
		return reply
	}
	little, big := binary.LittleEndian, binary.BigEndian
	for name, body := range map[string]string{
		"little": in(little, echo), "big": in(big, echo), "little with a mark": in(little, "\ufeff"+echo), "big with a mark": in(big, "\ufeff"+echo),
		"half a unit at the end": in(little, echo) + "x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reply := read(t, body)
			require.Equal(t, echo, reply.Body)
			require.Equal(t, `{"key":"[removed]","name":"[removed] [removed]","more":"`+"\u3000\U0001f600"+`"}`, client.Detail(reply, "Zo\u00eb", "\u674e"))
		})
	}
	for name, body := range map[string]string{
		"UTF-32, little": wide(little, echo), "UTF-32, big": wide(big, echo), "UTF-32 with a mark": wide(little, "\ufeff"+echo),
		"UTF-16 within UTF-8": "error: " + in(little, echo), "at an odd place": "error in " + in(big, echo), "NULs alone": "\x00\x00\x00",
		"Latin-1 with NULs": "Zo\xeb" + in(little, echo),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, read(t, body).Body)
		})
	}
	for _, body := range []string{"", "{}", "{}\x00", "{}\x00\x00"} {
		require.Equal(t, strings.TrimRight(body, "\x00"), read(t, body).Body)
	}
}
