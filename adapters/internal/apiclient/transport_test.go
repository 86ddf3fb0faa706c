package apiclient

import (
	"net/http/httptrace"
	"testing"

	"github.com/stretchr/testify/require"
)

// net/http takes another connection when the reused one was dead before
// anything was written; if that one cannot be had, nothing was sent.
func TestTraceForgetsAConnectionThatWasDead(t *testing.T) {
	t.Parallel()
	tr := &trace{}
	hooks := httptrace.ContextClientTrace(tr.watch(t.Context()))
	hooks.GetConn("x:443")
	require.False(t, tr.sent.Load())
	hooks.GotConn(httptrace.GotConnInfo{Reused: true})
	require.True(t, tr.sent.Load())
	hooks.GetConn("x:443")
	require.False(t, tr.sent.Load())
}
