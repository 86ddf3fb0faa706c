package elevate_test

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/outcometest"
	"github.com/amsbridge/amsbridge/outbox"
)

// A wrong path's 404 is one in any words: no order is parked for it. "Courses" as the person's name, or in the path, is
// not a word about the product.
func TestA404ThatDoesNotSpeakOfTheProductIsTheEndpoints(t *testing.T) {
	t.Parallel()
	const noAPI = "unavailable (404): there is no such API; is the endpoint's URL right?: "
	for _, c := range []struct{ body, want string }{
		{`{"error":"Not Found"}`, "Not Found"},
		{`{"error":"Not found."}`, "Not found."},
		{`{"error":"404: not found!"}`, "404: not found!"},
		{`{"errors":["Not Found"]}`, `["Not Found"]`},
		{`{"errors":[{"message":"Not Found"}]}`, `[{"message":"Not Found"}]`},
		{`{"error":{"code":404,"message":"Not Found"}}`, `{"code":404,"message":"Not Found"}`},
		{`{"error":"Cannot POST /x"}`, "Cannot POST /x"},
		{`{"error":"Cannot POST /api/products"}`, "Cannot POST /api/products"},
		{`{"error":"No route matches [POST] \"/v1/course-x\""}`, `No route matches [POST] "/v1/course-x"`},
		{`{"error":"/v1.0/products was not found"}`, "/v1.0/products was not found"},
		{`{"error":"Unknown endpoint: products"}`, "Unknown endpoint: products"},
		{`{"error":"This is the production host"}`, "This is the production host"},
		{`{"error":"Nothing here for Ada Courses"}`, "Nothing here for Ada [removed]"},
	} {
		client := newClient(t, config(serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, c.body)
		})))
		sold := outcometest.Sell(t, outcometest.Users(10), func(ctx context.Context, user string) (outbox.Result, error) {
			return client.Give(ctx, grant(func(g *amsbridge.Grant) {
				g.User.ID, g.User.LastName = amsbridge.UserID(user), "Courses"
			}))
		})
		require.Equal(t, outcometest.Sold{Paused: noAPI + c.want, Pending: 10}, sold, c.body)
	}
}

// A wrong path, host, API or wire profile costs three calls, parks nobody's order, and the pause says what to check.
func TestAWrongEndpointPausesTheDestination(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"path":            {404, "404 page not found", "unavailable (404): there is no such API; is the endpoint's URL right?"},
		"another API":     {405, `{"detail":"Method not allowed"}`, "unavailable (405): there is no such API; is the endpoint's URL right?"},
		"another form":    {415, `{}`, "unavailable (415): there is no such API; is the endpoint's URL right?"},
		"a web site":      {200, html200, "unknown (200): a web page answers; is Config.Endpoint right?"},
		"a login's page":  {400, html200, "unavailable (400): a web page answers; is the endpoint's URL right?"},
		"the profile":     {200, `{"Result":"OK"}`, "unknown (200): the reply says neither success nor error; are Config.Endpoint and the wire profile right?"},
		"another product": {200, "pong", "unknown (200): the reply is not JSON; are Config.Endpoint and the wire profile right?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			client := newClient(t, config(serve(t, func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})))
			sold := outcometest.Sell(t, outcometest.Users(10), func(ctx context.Context, user string) (outbox.Result, error) {
				return client.Give(ctx, grant(func(g *amsbridge.Grant) { g.User.ID = amsbridge.UserID(user) }))
			})
			require.Equal(t, outcometest.Sold{Paused: c.want, Pending: 10}, sold)
			require.EqualValues(t, 3, calls.Load())
		})
	}
}
