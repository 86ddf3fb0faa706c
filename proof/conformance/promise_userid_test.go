package conformance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

func TestPromise12_UserIDIsTheSameBytesInPushAndHandOff(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx := t.Context()
		sso, verifier := handOff(t)
		ids := []string{"U-abc", "u-ABC", "é", "e\u0301", "a b", "it's", `"\`, "%00", "a&b;c=d", "😀", "<>", strings.Repeat("x", 255)}
		for i, id := range ids {
			e.complete(t, purchase(fmt.Sprint(i+1), member(id), "course", "dinner"))
			token, err := sso.HandOff(ctx, amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: amsbridge.UserID(id)}})
			require.NoError(t, err)
			got, err := verifier.Verify(ctx, token)
			require.NoError(t, err)
			require.Equal(t, id, string(got.User.ID))
		}
		seen := map[string]int{}
		for _, l := range e.join(t).beginAll(t) {
			require.Len(t, l.Items, 1)
			g, err := amsbridge.DecodeGrant(l.Message)
			require.NoError(t, err)
			seen[string(g.User.ID)]++
		}
		for _, id := range ids {
			require.Equal(t, 2, seen[id], "%q: one under way for each destination and person", id)
		}
		standing, err := amsbridge.NewStanding(e.store)
		require.NoError(t, err)
		places, err := standing.Of(ctx, "", "U-abc")
		require.NoError(t, err)
		require.Len(t, places, 2, "not those of u-ABC")
	})
}

// What the push refuses the hand-off refuses as well, and for the same reason.
func TestPromise12_PushAndHandOffRefuseTheSameUserIDs(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		ctx := t.Context()
		sso, _ := handOff(t)
		standing, err := amsbridge.NewStanding(e.store)
		require.NoError(t, err)
		for i, id := range []string{"", " ", " U-1", "U-1\u00a0", "null", "NaN", "0", "a\x00b", "a\nb", "\xff", "a\u2028b", strings.Repeat("x", 256), strings.Repeat("é", 128)} {
			problem := strings.TrimPrefix(amsbridge.UserID(id).Check().Error(), "amsbridge: UserID ")
			staff := e.complete(t, purchase(fmt.Sprint(i+1), member(id), "course", "dinner")).NeedsStaff()
			require.Len(t, staff, 2, "%q", id)
			require.Contains(t, staff[0].Text, "attendee's user ID "+problem)
			_, err := sso.HandOff(ctx, amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: amsbridge.UserID(id)}})
			require.ErrorContains(t, err, problem, "%q", id)
			_, err = standing.Of(ctx, "", amsbridge.UserID(id))
			require.ErrorContains(t, err, problem, "%q", id)
		}
		require.Zero(t, e.pending(t))
	})
}
