package scenes

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/proof/e2e/watch"
)

func TestTheLastLineIsComputed(t *testing.T) {
	t.Parallel()
	var tally Tally
	require.False(t, tally.OK(), "nothing was played")
	tally.Add(Result{Scene: Scene{Name: "route-a"}, Pages: map[string]bool{"cart": true, "checkout": true}, HandOffs: 1, Referers: 20})
	tally.Add(Result{Scene: Scene{Name: "route-b"}, Pages: map[string]bool{"cart": true, "product": true}, HandOffs: 1, Referers: 5})
	require.True(t, tally.OK())
	require.Equal(t, "e2e ok: scenes=2 pages=3 csp=0 axe=0 (hand-off forms=2, Referers read=25)", tally.String())

	violated := tally
	violated.Add(Result{Findings: []watch.Finding{{Kind: watch.CSP}, {Kind: watch.Axe}, {Kind: watch.Axe}, {Kind: watch.Layout}}})
	require.False(t, violated.OK())
	require.Equal(t, "e2e FAILED: failed=1 findings=4 scenes=3 pages=3 csp=1 axe=2 (hand-off forms=2, Referers read=25)", violated.String())

	broken := tally
	broken.Add(Result{Err: errors.New("the store ended badly")})
	require.False(t, broken.OK(), "a scene that was not played to its end")
	require.Contains(t, broken.String(), "FAILED: failed=1")
}

func TestAResultSaysWhatFailedAndWhere(t *testing.T) {
	t.Parallel()
	r := Result{Scene: Scene{Name: "owner", Story: "who owns it"}, Took: 3 * time.Second}
	require.Equal(t, "ok   owner: who owns it (3 s)", r.String())
	r.Findings = []watch.Finding{{Kind: watch.Axe, Where: "http://shop.example/cart", Text: "color-contrast", Shot: "/shots/cart.png"}}
	require.Equal(t, "FAIL owner: who owns it (3 s)\n     axe      http://shop.example/cart: color-contrast\n         /shots/cart.png", r.String())
}

func TestSceneNamesAreTheirOwn(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, scene := range All() {
		require.False(t, names[scene.Name], scene.Name)
		names[scene.Name] = true
		require.NotEmpty(t, scene.Story)
		require.NotNil(t, scene.play)
	}
}
