package apiclient

import (
	"context"
	"fmt"
	"net/http"

	"github.com/hashicorp/go-retryablehttp"
)

// usual is a request whose method and URL were found good, without header, body
// and context: nearly all calls of a client go to one URL.
type usual struct {
	method, url string
	request     *http.Request
}

// prepare makes the call. Its error may hold the URL, but for an
// [*amsbridge.InputError].
func (c *Client) prepare(ctx context.Context, req Request) (*call, error) {
	u := c.usual.Load()
	if u == nil || u.method != req.Method || u.url != req.URL {
		bare, err := http.NewRequestWithContext(context.Background(), req.Method, req.URL, nil)
		if bad := c.CheckEndpoint("URL", req.URL); bad != nil {
			return nil, bad
		}
		if err != nil {
			return nil, err
		}
		u = &usual{req.Method, req.URL, bare}
		if !resendable(req.Method) { // the URL of a GET changes, and may hold personal data
			c.usual.Store(u)
		}
	}
	header, err := c.Header(req)
	if err != nil {
		return nil, err
	}
	k := &call{header: header, body: req.Body}
	k.request = retryablehttp.Request{Request: u.request.WithContext(k.watch(ctx))}
	return k, nil
}

// Header returns the header of the call, as a copy of its own but for the
// values. The error names a field whose value no header may hold.
func (c *Client) Header(req Request) (http.Header, error) {
	h := make(http.Header, len(req.Header)+2)
	for _, f := range req.Header {
		if f.Name == "Idempotency-Key" || f.Name == "X-Idempotency-Key" {
			continue
		}
		for _, v := range f.Values {
			if !cleanHeader(v) {
				return nil, badHeader(f.Name)
			}
		}
		h[f.Name] = f.Values
	}
	if req.Key != "" {
		if !cleanHeader(req.Key) {
			return nil, badHeader(KeyHeader)
		}
		h[KeyHeader] = []string{req.Key}
	}
	h["User-Agent"] = c.userAgent
	return h, nil
}

func badHeader(name string) error {
	return fmt.Errorf("header %s has characters that no header may hold", name)
}

// cleanHeader tells whether s may be a header's value: RFC 9110 section 5.5,
// visible ASCII, spaces and tabs.
func cleanHeader(s string) bool {
	for i := range len(s) {
		if b := s[i]; b != '\t' && (b < ' ' || b > '~') {
			return false
		}
	}
	return true
}
