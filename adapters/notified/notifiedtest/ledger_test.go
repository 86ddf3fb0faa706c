package notifiedtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// The ledger has what each call gave and took, and nothing of calls that changed nothing.
func TestLedger(t *testing.T) {
	t.Parallel()
	s := sandbox(t, config())
	s.Misbehave(notifiedtest.Fault{}, notifiedtest.Fault{Kind: notifiedtest.Throttle})
	call := func(codes, user, rest string) {
		get(s, cmd+login+"&OpCodeList="+codes+"&OutputFormat=X&LookupByExternalUserID=1&ExternalUserID="+user+rest)
	}
	call("RM", "u-2", "&ShowKey=1&ShowPackageKey=1001&AddOnsChangeList=12,11")
	call("M", "u-2", "&ShowKey=1&AddOnsChangeList=14") // refused before it was carried out
	call("M", "u-2", "&ShowKey=1&AddOnsChangeList=11")
	call("r", "u-2", "&ShowKey=1&ShowPackageKey=1002")
	call("N", "u-2", "&ShowKey=1&AddOnsChangeList=11,15")
	call("M", "u-1", "&ShowKey=1&AddOnsChangeList=14")
	call("D", "u-2", "")
	of := func(seq int, user string, addOn int64, lost bool) notifiedtest.Effect {
		return notifiedtest.Effect{Seq: seq, Key: "k-1", Area: "acme", User: user, Show: 1, AddOn: addOn, Lost: lost}
	}
	require.Equal(t, []notifiedtest.Effect{
		of(1, "u-2", 0, false), of(1, "u-2", 12, false), of(1, "u-2", 11, false),
		of(5, "u-2", 11, true),
		of(6, "u-1", 14, false),
		of(7, "u-2", 12, true), of(7, "u-2", 0, true),
	}, s.Ledger())
	s.Reset()
	require.Empty(t, s.Ledger())
}
