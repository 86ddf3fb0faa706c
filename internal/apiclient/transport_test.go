package apiclient

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"testing"

	"github.com/stretchr/testify/require"
)

// net/http takes another connection when the reused one was dead before
// anything was written; if that one cannot be had, nothing was sent.
func TestCallForgetsAConnectionThatWasDead(t *testing.T) {
	t.Parallel()
	k := &call{}
	hooks := httptrace.ContextClientTrace(k.watch(t.Context()))
	hooks.GetConn("x:443")
	require.False(t, k.sent.Load())
	hooks.GotConn(httptrace.GotConnInfo{Reused: true})
	require.True(t, k.sent.Load())
	hooks.GetConn("x:443")
	require.False(t, k.sent.Load())
}

// Whoever reads the body for a dead connection may not be done when the next
// one begins.
func TestCallOpensItsBodyAnew(t *testing.T) {
	t.Parallel()
	k := &call{header: http.Header{"X": {"x"}}, body: []byte("body")}
	r, err := http.NewRequestWithContext(k.watch(t.Context()), http.MethodPost, "https://api.example.org/", nil)
	require.NoError(t, err)
	k.load(r)
	require.Equal(t, k.header, r.Header)
	require.EqualValues(t, 4, r.ContentLength)
	var half [2]byte
	_, err = io.ReadFull(r.Body, half[:])
	require.NoError(t, err)
	for range 2 {
		again, err := r.GetBody()
		require.NoError(t, err)
		whole, err := io.ReadAll(again)
		require.NoError(t, err)
		require.Equal(t, "body", string(whole))
	}
	rest, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, "dy", string(rest))
}
