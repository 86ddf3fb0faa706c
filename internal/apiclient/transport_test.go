package apiclient

import (
	"net/http/httptrace"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// net/http takes another connection when the reused one was dead before anything was written. If it
// gets none, nothing was sent.
func TestCallForgetsAConnectionThatWasDead(t *testing.T) {
	t.Parallel()
	sent := new(atomic.Bool)
	hooks := httptrace.ContextClientTrace(watch(t.Context(), sent))
	hooks.GetConn("x:443")
	require.False(t, sent.Load())
	hooks.GotConn(httptrace.GotConnInfo{Reused: true})
	require.True(t, sent.Load())
	hooks.GetConn("x:443")
	require.False(t, sent.Load())
}
