package scenarios

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/proof/e2e/record"
)

func TestTheLastLineIsComputed(t *testing.T) {
	t.Parallel()
	var tally Tally
	require.False(t, tally.OK(), "nothing was played")
	tally.Add(Result{Scenario: Scenario{Name: "route-a"}, Pages: map[string]bool{"cart": true, "checkout": true}, HandOffs: 1, Referers: 20})
	tally.Add(Result{Scenario: Scenario{Name: "route-b"}, Pages: map[string]bool{"cart": true, "product": true}, HandOffs: 1, Referers: 5})
	require.True(t, tally.OK())
	require.Equal(t, "e2e ok: scenarios=2 pages=3 csp=0 axe=0 (hand-off forms=2, Referers read=25)", tally.String())

	violated := tally
	violated.Add(Result{Findings: []record.Finding{{Kind: record.CSP}, {Kind: record.Axe}, {Kind: record.Axe}, {Kind: record.Layout}}})
	require.False(t, violated.OK())
	require.Equal(t, "e2e FAILED: failed=1 findings=4 scenarios=3 pages=3 csp=1 axe=2 (hand-off forms=2, Referers read=25)", violated.String())

	broken := tally
	broken.Add(Result{Err: errors.New("the store ended badly")})
	require.False(t, broken.OK(), "a scenario that was not played to its end")
	require.Contains(t, broken.String(), "FAILED: failed=1")
}

func TestAResultSaysWhatFailedAndWhere(t *testing.T) {
	t.Parallel()
	r := Result{Scenario: Scenario{Name: "owner", Story: "who owns it"}, Took: 3 * time.Second}
	require.Equal(t, "ok   owner: who owns it (3 s)", r.String())
	r.Findings = []record.Finding{{Kind: record.Axe, Where: "http://shop.example/cart", Text: "color-contrast", Picture: "/shots/cart.png"}}
	require.Equal(t, "FAIL owner: who owns it (3 s)\n     axe      http://shop.example/cart: color-contrast\n         /shots/cart.png", r.String())
}

func TestScenarioNamesAreTheirOwn(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, scenario := range All() {
		require.False(t, names[scenario.Name], scenario.Name)
		names[scenario.Name] = true
		require.NotEmpty(t, scenario.Story)
		require.NotNil(t, scenario.play)
	}
}
