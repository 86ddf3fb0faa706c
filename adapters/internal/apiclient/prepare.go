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

// prepare makes an HTTP request. Its error may hold the URL, but for an
// [*amsbridge.InputError].
func (c *Client) prepare(ctx context.Context, req Request) (*retryablehttp.Request, error) {
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
	hr := &retryablehttp.Request{Request: u.request.WithContext(ctx)}
	hr.Header = req.Header
	if hr.Header == nil {
		hr.Header = http.Header{}
	}
	if err := c.completeHeader(hr.Header); err != nil {
		return nil, err
	}
	return hr, hr.SetBody(req.Body)
}

func (c *Client) completeHeader(h http.Header) error {
	for name, values := range h {
		for _, v := range values {
			if !cleanHeader(v) {
				return fmt.Errorf("header %s has characters that no header may hold", name)
			}
		}
	}
	delete(h, "Idempotency-Key")
	delete(h, "X-Idempotency-Key")
	h["User-Agent"] = c.userAgent
	return nil
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
