package apiclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/amsbridge/amsbridge/outbox"
)

// Request is one call.
type Request struct {
	// Method is an HTTP method. Prefer POST: data in its body is not logged on the way, as a URL is.
	Method string
	// URL must be one that [Client.CheckEndpoint] accepts.
	URL string
	// Header is sent together with our User-Agent. Idempotency-Key is left out, since net/http would
	// re-send a POST that has it. The map is not changed: calls may share it.
	Header http.Header
	// Key is the message's key, sent as KeyHeader. It may be empty.
	Key  string
	Body []byte
	// Private is the personal data of this call (names, e-mail address, user ID), to be removed from
	// its error.
	Private []string
}

// Reply is a platform's answer, whatever its HTTP status.
type Reply struct {
	Status int
	Header http.Header
	// Body is the first MaxBody bytes of the answer's body: untrusted text in UTF-8. UTF-16 is read as such, and
	// other bytes as Latin-1, so that what they spell can be scrubbed. It is empty where the text holds NULs.
	Body string
	// Truncated is set when the body was longer than MaxBody, or when the body of an answer other than
	// a 2xx broke off.
	Truncated bool
}

// Code returns the HTTP status in digits.
func (r *Reply) Code() string { return strconv.Itoa(r.Status) }

// Do makes one call and returns the platform's reply, whatever its status. It ends when ctx does and
// sets no time-out of its own for the answer.
//
// The error is always an [*outbox.DeliveryError] without secrets, personal data or the URL: unavailable
// when no request was sent, unknown when one was sent and no whole answer came, rejected when req
// cannot be made into a request.
func (c *Client) Do(ctx context.Context, req Request) (*Reply, error) {
	sent := new(atomic.Bool)
	r, err := c.newRequest(watch(ctx, sent), req)
	if err != nil {
		return nil, &outbox.DeliveryError{
			Outcome: outbox.OutcomeRejected, Reason: "no request can be made of it", Err: c.cause(ctx, err, req),
		}
	}
	doer := c.reusing
	if resendable(req.Method) {
		doer = c.single
	}
	resp, err := doer.Do(r)
	if err != nil {
		return nil, failure(ctx, err, sent.Load())
	}
	defer resp.Body.Close() //nolint:errcheck // nothing depends on it once the body is read
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.maxBody+1))
	if err != nil && resp.StatusCode/100 == 2 {
		return nil, failure(ctx, err, true)
	}
	long := int64(len(body)) > c.maxBody
	if long {
		body = body[:c.maxBody]
	}
	return &Reply{
		Status: resp.StatusCode, Header: resp.Header, Body: inUTF8(body), Truncated: long || err != nil,
	}, nil
}

// newRequest makes the request. Its error may hold the URL.
func (c *Client) newRequest(ctx context.Context, req Request) (*retryablehttp.Request, error) {
	if problem := c.endpointProblem(req.URL); problem != "" {
		return nil, errors.New("the URL " + problem)
	}
	header, err := c.Header(req)
	if err != nil {
		return nil, err
	}
	r, err := retryablehttp.NewRequestWithContext(ctx, req.Method, req.URL, req.Body)
	if err != nil {
		return nil, err
	}
	r.Header = header
	return r, nil
}

// Header returns the header of the call, which the caller may change. The error names a field whose
// value cannot be a header's.
func (c *Client) Header(req Request) (http.Header, error) {
	h := req.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Del("Idempotency-Key")
	h.Del("X-Idempotency-Key")
	h.Set("User-Agent", c.userAgent)
	if req.Key != "" {
		h.Set(KeyHeader, req.Key)
	}
	for name, values := range h {
		for _, v := range values {
			if !cleanHeader(v) {
				return nil, fmt.Errorf("header %s has characters that no header may hold", name)
			}
		}
	}
	return h, nil
}

// cleanHeader tells whether s can be a header's value: visible ASCII, spaces and tabs (RFC 9110 section
// 5.5).
func cleanHeader(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r != '\t' && (r < ' ' || r > '~') })
}

// failure returns the error of a call that brought no whole answer.
func failure(ctx context.Context, err error, sent bool) *outbox.DeliveryError {
	d := &outbox.DeliveryError{
		Outcome: outbox.OutcomeUnavailable, Err: &causeError{text: outbox.CutText(inOurWords(err), 500), ctx: ctx.Err()},
	}
	if sent {
		d.Outcome = outbox.OutcomeUnknown
		d.Reason = "the request was sent and no whole answer came: " + d.Err.Error()
	} else {
		d.Reason = "nothing was sent: " + d.Err.Error()
	}
	return d
}

// causeError replaces an error that may have held the URL. It keeps the scrubbed text, and whether the
// context had ended.
type causeError struct {
	text string
	ctx  error
}

func (e *causeError) Error() string { return e.text }
func (e *causeError) Unwrap() error { return e.ctx }

// cause is for an error before anything was sent, which may hold what is to be sent.
func (c *Client) cause(ctx context.Context, err error, req Request) *causeError {
	private := req.Private
	if _, query, ok := strings.Cut(req.URL, "?"); ok {
		private = append([]string{query}, private...)
	}
	return &causeError{text: c.Quote(err.Error(), 500, private...), ctx: ctx.Err()}
}
