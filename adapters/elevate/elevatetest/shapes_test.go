package elevatetest_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/outbox"
)

// Our own client takes no reply shape for a delivery.
func TestReplyShapesAreNoSuccess(t *testing.T) {
	t.Parallel()
	unmarked := elevate.GuessedProfile()
	unmarked.Success, unmarked.Errors, unmarked.ProductURL = nil, []string{"fault.text"}, "data.url"
	for p, shapes := range map[*elevate.Profile]int{elevate.GuessedProfile(): 17, unmarked: 15} {
		cfg := elevatetest.Config{Key: "key", Profile: p, Products: []elevatetest.Product{{RemoteProductID: "COURSE-1"}}}
		srv := httptest.NewUnstartedServer(nil)
		cfg.BaseURL = "http://" + srv.Listener.Addr().String()
		s, err := elevatetest.New(cfg)
		require.NoError(t, err)
		srv.Config.Handler = s
		srv.Start()
		t.Cleanup(srv.Close)
		c, err := elevate.New(elevate.Config{
			AllowLoopbackHTTP: true, Credentials: elevate.Key("key"), Endpoint: srv.URL + "/api/registration", Profile: p,
		})
		require.NoError(t, err)
		t.Cleanup(c.CloseIdleConnections)
		g := amsbridge.Grant{
			Key: "key-1", User: amsbridge.User{ID: "u-7", FirstName: "Ada", LastName: "Byron", Email: "ada@example.org"},
			Item: amsbridge.Item{RemoteProductID: "COURSE-1"},
		}
		all := s.ReplyShapes()
		require.Len(t, all, shapes)
		for _, sign := range []string{cfg.BaseURL, "no such thing"} {
			require.Contains(t, all["error beside success"].Body, sign)
		}
		require.Equal(t, len(p.Success) > 0, strings.Contains(all["error beside success"].Body, `"success":true`))
		require.NoError(t, s.Follow(elevatetest.Script{Users: map[string][]elevatetest.Fault{"u-7": values(all)}}), "each is a lawful fault")
		require.NoError(t, s.Follow(elevatetest.Script{}))
		for name, f := range all {
			f.Effect = true
			s.Misbehave(f)
			_, err := c.Give(t.Context(), g)
			var d *outbox.DeliveryError
			require.ErrorAs(t, err, &d, name)
			refused := name[0] == 'e' && name != "empty" || len(name) > 2 && name[:3] == "no "
			require.Equal(t, refused, d.Outcome == outbox.OutcomeRejected, "%s: %v", name, d)
			require.Equal(t, !refused, d.Outcome == outbox.OutcomeUnknown, "%s: %v", name, d)
		}
		require.Len(t, s.Registrations(), 1)
		_, err = c.Give(t.Context(), g)
		require.NoError(t, err)
	}
}

func values(m map[string]elevatetest.Fault) (all []elevatetest.Fault) {
	for _, f := range m {
		all = append(all, f)
	}
	return all
}
