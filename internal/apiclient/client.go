package apiclient

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// KeyHeader carries the message's key, so that a platform's log can be matched
// with ours. No platform is known to honour it.
const KeyHeader = "Amsbridge-Key"

// Bounds of [Config.MaxBody], in bytes.
const (
	minBody = 16 << 10
	maxBody = 1 << 20
)

// Config sets up a [Client].
type Config struct {
	// AllowLoopbackHTTP permits plain http to loopback addresses, for sandboxes
	// and tests. Defaults to false: https only.
	AllowLoopbackHTTP bool
	// Concurrency is how many calls run at once at most; as many idle
	// connections are kept for reuse. Defaults to 100.
	Concurrency int
	// MaxBody is how much of a reply is read, in bytes, from 16 KiB to 1 MiB.
	// Defaults to 64 KiB.
	MaxBody int64
	// Now is the clock that Retry-After dates are read against. Defaults to
	// time.Now.
	Now func() time.Time
	// RootCAs verify the platform's certificate. Defaults to the system's.
	RootCAs *x509.CertPool
	// Secrets are removed from every text, in the forms in which a platform or
	// an error may echo them. Base64 of a text that merely contains one is found
	// only when that text is listed too, as for HTTP basic credentials.
	Secrets []string
	// Version is the User-Agent's, "amsbridge/<version>". Defaults to this
	// module's version in the running binary, or "devel".
	Version string
}

// Client makes the calls. It is safe for concurrent use and shows nothing of
// its configuration when printed.
type Client struct {
	allowHTTP   bool
	maxBody     int64
	now         func() time.Time
	secrets     func() []hidden       // no printer looks into a function
	userAgent   []string              // as a header holds it
	reusing     *retryablehttp.Client // POST and the like
	single      *retryablehttp.Client // methods that net/http would re-send by itself
	closeUnused func()
	buffers     *sync.Pool // of *[]byte, to read replies into
	usual       *atomic.Pointer[usual]
	seen        *[8]atomic.Pointer[glance] // at texts without secrets, by their length
}

// Request is one call.
type Request struct {
	// Method is an HTTP method. Prefer POST: its URL is not logged on the way.
	Method string
	// URL must be one that [Client.CheckEndpoint] accepts.
	URL string
	// Header is sent as it is, with a User-Agent of ours. Idempotency-Key is
	// left out: net/http would re-send a POST that carries it. It is not changed:
	// calls may share it.
	Header []Field
	// Key is the message's, for KeyHeader. It may be empty.
	Key  string
	Body []byte
	// Private is personal data of this call (names, e-mail, user ID), to be
	// removed from the error.
	Private []string
}

// Field is one of a header.
type Field struct {
	// Name is in canonical form, as [http.CanonicalHeaderKey] writes it.
	Name   string
	Values []string
}

// Reply is what the platform answered: any HTTP status.
type Reply struct {
	Status int
	Header http.Header
	// Body is hostile text, at most MaxBody bytes of it.
	Body string
	// Truncated is set when the body was longer than MaxBody, or when one of
	// other than a 2xx broke off.
	Truncated bool
}

// Code returns the HTTP status in digits.
func (r *Reply) Code() string { return strconv.Itoa(r.Status) }

// New returns a client, or an [*amsbridge.InputError] that names the bad field.
func New(cfg Config) (*Client, error) {
	if cfg.Concurrency == 0 {
		cfg.Concurrency = 100
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 64 << 10
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Version == "" {
		cfg.Version = moduleVersion()
	}
	switch {
	case cfg.Concurrency < 0 || cfg.Concurrency > 10_000:
		return nil, check.Bad("apiclient", "Concurrency", "is not from 1 to 10,000")
	case cfg.MaxBody < minBody || cfg.MaxBody > maxBody:
		return nil, check.Bad("apiclient", "MaxBody", "is not from 16 KiB to 1 MiB")
	case !cleanHeader(cfg.Version):
		return nil, check.Bad("apiclient", "Version", "has characters that no header may hold")
	}
	c := &Client{
		allowHTTP: cfg.AllowLoopbackHTTP, maxBody: cfg.MaxBody, now: cfg.Now, userAgent: []string{"amsbridge/" + cfg.Version},
		usual: &atomic.Pointer[usual]{}, seen: &[8]atomic.Pointer[glance]{}, buffers: &sync.Pool{New: func() any { return new(make([]byte, 1<<10)) }},
	}
	var secrets []hidden
	for _, s := range cfg.Secrets {
		if strings.TrimSpace(s) != "" {
			secrets = append(secrets, hidden{value: s, secret: true, needles: needles(s, true)})
		}
	}
	c.secrets = func() []hidden { return secrets }
	c.connect(cfg)
	return c, nil
}

// CloseIdleConnections closes the connections that no call uses. The client
// stays usable.
func (c *Client) CloseIdleConnections() { c.closeUnused() }

// Do makes one call and returns the platform's reply, whatever its status. It
// ends when ctx does and sets no time-out of its own for the answer.
//
// The error is always an [*outbox.DeliveryError] without secrets, personal data
// or the URL: unavailable when no request was sent, unknown when one was sent
// and no whole answer came, rejected when none could be made of req.
func (c *Client) Do(ctx context.Context, req Request) (*Reply, error) {
	k, err := c.prepare(ctx, req)
	if err != nil {
		if _, bad := errors.AsType[*amsbridge.InputError](err); !bad {
			err = c.cause(ctx, err, req)
		}
		return nil, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: "no request can be made of it", Err: err}
	}
	doer := c.reusing
	if resendable(req.Method) {
		doer = c.single
	}
	resp, err := doer.Do(&k.request)
	if err != nil {
		return nil, c.failure(ctx, err, k.sent.Load(), req)
	}
	return c.read(ctx, resp, k, req)
}

func (c *Client) read(ctx context.Context, resp *http.Response, k *call, req Request) (*Reply, error) {
	defer resp.Body.Close()             //nolint:errcheck // nothing depends on it once the body is read
	buffer := c.buffers.Get().(*[]byte) //nolint:forcetypeassert // it holds nothing else
	defer c.buffers.Put(buffer)
	body, err := readAll(resp.Body, *buffer, int(c.maxBody)+1)
	if err != nil && resp.StatusCode/100 == 2 {
		return nil, c.failure(ctx, err, true, req)
	}
	long := int64(len(body)) > c.maxBody
	if long {
		body = body[:c.maxBody]
	}
	k.reply = Reply{Status: resp.StatusCode, Header: resp.Header, Body: string(body), Truncated: long || err != nil}
	return &k.reply, nil
}

// readAll reads to the end, or limit bytes, into the buffer while there is room
// in it: most replies are short.
func readAll(r io.Reader, buffer []byte, limit int) ([]byte, error) {
	b := buffer[:0]
	for len(b) < limit {
		n, err := r.Read(b[len(b):min(cap(b), limit)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return b, err
		}
		b = slices.Grow(b, 1)
	}
	return b, nil
}

func (c *Client) failure(ctx context.Context, err error, sent bool, req Request) *outbox.DeliveryError {
	d := &outbox.DeliveryError{Outcome: outbox.OutcomeUnavailable, Err: c.cause(ctx, err, req)}
	if sent {
		d.Outcome = outbox.OutcomeUnknown
		d.Reason = "the request was sent and no whole answer came: " + d.Err.Error()
	} else {
		d.Reason = "nothing was sent: " + d.Err.Error()
	}
	return d
}

// causeError is what is left of an error that held the URL: its scrubbed text,
// and whether the context had ended.
type causeError struct {
	text string
	ctx  error
}

func (e *causeError) Error() string { return e.text }
func (e *causeError) Unwrap() error { return e.ctx }

func (c *Client) cause(ctx context.Context, err error, req Request) *causeError {
	var ue *url.Error
	for errors.As(err, &ue) {
		err = ue.Err // its text without the URL
	}
	private := req.Private
	if _, query, ok := strings.Cut(req.URL, "?"); ok {
		private = append([]string{query}, private...)
	}
	return &causeError{text: outbox.CutText(c.Scrub(err.Error(), private...), 500), ctx: ctx.Err()}
}

func moduleVersion() string {
	const path = "github.com/amsbridge/amsbridge"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path == path && m.Version != "" && m.Version != "(devel)" {
			return m.Version
		}
	}
	return "devel"
}
