package apiclient_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
