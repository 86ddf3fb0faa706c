package apiclient

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/hashicorp/go-retryablehttp"
)

// call is one call on its way. It is the context of its request too, so that
// the transport finds what to send and the retry policy whether it was sent.
type call struct {
	context.Context //nolint:containedctx // it adds a value to one
	// sent tells whether the request may have been sent.
	sent  atomic.Bool
	hooks httptrace.ClientTrace
	// request has neither header nor body until it comes to the transport:
	// http.Client copies a header for redirects, which are not followed here.
	request retryablehttp.Request
	header  http.Header
	body    []byte
	first   bytes.Reader // of the body, for the first that opens it
	opened  bool
	reply   Reply
}

type callKey struct{}

// watch returns the context of the request.
func (k *call) watch(ctx context.Context) context.Context {
	k.Context = ctx
	// net/http asks for another connection only when the one that it reused was
	// dead before anything was written.
	k.hooks.GetConn = func(string) { k.sent.Store(false) }
	// From here on bytes may leave: WroteHeaders comes too late, since a long URL
	// is flushed before it.
	k.hooks.GotConn = func(httptrace.GotConnInfo) { k.sent.Store(true) }
	return httptrace.WithClientTrace(k, &k.hooks)
}

// Value returns the call itself for its key.
func (k *call) Value(key any) any {
	if key == (callKey{}) {
		return k
	}
	return k.Context.Value(key)
}

// load gives the request, which is the call's own, header and body.
func (k *call) load(r *http.Request) {
	r.Header = k.header
	if len(k.body) == 0 {
		return
	}
	r.ContentLength = int64(len(k.body))
	r.GetBody = k.open // for another connection, see watch
	r.Body, _ = k.open()
}

// open returns the body from its beginning. Whoever opened it before may still
// be reading.
func (k *call) open() (io.ReadCloser, error) {
	r := &k.first
	if k.opened {
		r = new(bytes.Reader)
	}
	k.opened = true
	r.Reset(k.body)
	return io.NopCloser(r), nil
}
