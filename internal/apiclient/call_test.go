package apiclient_test

import (
	"io"
	"net/http"
	"net/http/httptest"
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
