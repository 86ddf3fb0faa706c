package notifiedtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

func TestFollowAScript(t *testing.T) {
	t.Parallel()
	s := sandboxWith(t, nil)
	get(s, add)
	script, err := notifiedtest.ParseScript([]byte(`{"calls": {"2": {"kind": "server error"}},
		"users": {"u-1": [{"kind": "throttle", "retry_after": "3"}], "u-2": [{"kind": "forbidden"}]}}`))
	require.NoError(t, err)
	require.NoError(t, s.Follow(script))
	first := get(s, add)
	require.Equal(t, []any{429, "3"}, []any{first.Code, first.Header().Get("Retry-After")})
	require.Equal(t, 500, get(s, add).Code, "the second call since the script")
	require.Equal(t, 200, get(s, add).Code)
	about(s, "u-2", "G", "")
	require.Equal(t, notifiedtest.Forbidden, s.Journal()[4].Fault)

	require.NoError(t, s.Follow(notifiedtest.Script{}))
	require.NoError(t, s.Follow(notifiedtest.Script{Users: map[string][]notifiedtest.Fault{"u-1": {{Kind: notifiedtest.LoginPage}}}}))
	byEmail(s, "one%40members.example", "G", "")
	require.Equal(t, notifiedtest.LoginPage, s.Journal()[5].Fault, "a call about them by e-mail")
}

func TestAScriptsRateAndItsBadFields(t *testing.T) {
	t.Parallel()
	struck := func(seed uint64) (kinds []notifiedtest.FaultKind) {
		s := sandboxWith(t, nil)
		require.NoError(t, s.Follow(notifiedtest.Script{Seed: seed, Rate: 0.5, Faults: []notifiedtest.Fault{{Kind: notifiedtest.ServerError}}}))
		for range 40 {
			get(s, add)
		}
		for _, c := range s.Journal() {
			kinds = append(kinds, c.Fault)
		}
		return kinds
	}
	require.Equal(t, struck(1), struck(1))
	require.NotEqual(t, struck(1), struck(2))
	require.Contains(t, struck(1), notifiedtest.ServerError)
	require.Contains(t, struck(1), notifiedtest.None)

	var bad *amsbridge.InputError
	require.ErrorAs(t, sandboxWith(t, nil).Follow(notifiedtest.Script{Rate: 2}), &bad)
	_, err := notifiedtest.ParseScript([]byte(`{"rat": 1}`))
	require.ErrorAs(t, err, &bad)
}
