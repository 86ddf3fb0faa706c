package notified

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge/internal/apiclient"
	"github.com/amsbridge/amsbridge/outbox"
)

// Client calls opcodes, and delivers messages by them. It is safe for concurrent
// use. Make one with [New].
type Client struct {
	cfg  Config
	http *apiclient.Client
	// constant is what all calls share; no printer looks into a function.
	constant func() *constant
}

type constant struct {
	url    string
	params string   // those that begin each call
	echoes []string // what reading makes of the credentials
}

// minPiece is how long a piece of a secret is at least that is looked for by
// itself: shorter ones stand in any text.
const minPiece = 4

var _ outbox.Destination = (*Client)(nil)

// New returns a client. It makes no call: wrong credentials show with the first
// delivery. The error wraps an [*amsbridge.InputError] that names the bad field.
func New(cfg Config) (*Client, error) {
	if cfg.BaseURL == "" {
		cfg.BaseURL = BaseURL
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = defaultMaxBody
	}
	if cfg.OutputFormat == "" {
		cfg.OutputFormat = FormatXML
	}
	names, err := cfg.Names.WithDefaults()
	if err != nil {
		return nil, fmt.Errorf("notified: %w", err)
	}
	cfg.Names = names
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("notified: %w", err)
	}
	h, err := apiclient.New(apiclient.Config{
		AllowLoopbackHTTP: cfg.AllowLoopbackHTTP, Concurrency: cfg.Concurrency, MaxBody: cfg.MaxBody,
		Now: cfg.Now, RootCAs: cfg.RootCAs, Version: cfg.Version,
		Secrets: []string{cfg.AuthCode, cfg.Credentials},
	})
	if err == nil {
		err = h.CheckEndpoint("BaseURL", cfg.BaseURL)
	}
	if err != nil {
		return nil, fmt.Errorf("notified: %w", err)
	}
	shared := cfg.constant()
	return &Client{cfg: cfg, http: h, constant: func() *constant { return shared }}, nil
}

func (c Config) constant() *constant {
	all := &constant{
		url:    c.BaseURL,
		params: "APIUserAuthCode=" + escape(c.AuthCode) + "&APIUserCredentials=" + escape(c.Credentials) + "&OpCodeList=",
	}
	if c.LASCmdInForm {
		all.params = lasCmd + "&" + all.params
	} else {
		all.url += "?" + lasCmd
	}
	all.echoes = c.appendEchoes(c.appendEchoes(nil, c.AuthCode), c.Credentials)
	return all
}

// String shows nothing secret.
func (c *Client) String() string { return "notified.Client" }

// GoString shows nothing secret.
func (c *Client) GoString() string { return c.String() }

// CloseIdleConnections closes the connections that no call uses. The client
// stays usable.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// run makes one call and reads its reply. The steps that ran come back with an
// error too. Whatever comes back is scrubbed but the outputs of the steps. The
// detail is empty where a ticket was asked for, and where there is an error,
// which has its own.
func (c *Client) run(ctx context.Context, key string, q Chain) (steps []Step, detail string, d *outbox.DeliveryError) {
	private := c.private(string(q.Person.UserID), q.Person.Email, q.Person.FirstName, q.Person.LastName)
	req := c.request(key, q)
	req.Private = private
	got, err := c.http.Do(ctx, req)
	if err != nil {
		if !errors.As(err, &d) {
			d = &outbox.DeliveryError{Outcome: outbox.OutcomeUnknown, Reason: "no answer came", Err: err}
		}
		return nil, "", d
	}
	withTicket := strings.Contains(q.OpCodes, "T")
	if d = c.http.Classify(got, private...); d != nil {
		if withTicket {
			d.Detail = ""
		}
		return nil, "", d
	}
	r, steps, d := c.cfg.read(q.OpCodes, got.Body, got.Truncated)
	if withTicket {
		private = append(private, c.private(r.tickets()...)...)
	}
	for i := range steps {
		if steps[i].Message != "OK" { // as most are
			steps[i].Message = c.http.Scrub(steps[i].Message, private...)
		}
	}
	if !withTicket {
		if c.cfg.OutputFormat == FormatPairs {
			// What was encoded twice is recognised only once it is decoded, and
			// what holds a '+' only before.
			got.Body = unescape(c.http.Scrub(got.Body, private...))
		}
		detail = c.http.Detail(got, private...)
	}
	if d != nil {
		d.Reason = outbox.CutText(c.http.Scrub(d.Reason, private...), outbox.MaxReason)
		d.Detail = detail
		return steps, "", d
	}
	return steps, detail, nil
}

// tickets are all outputs of T, whatever they are called.
func (r reply) tickets() []string {
	var all []string
	for _, op := range r.ops {
		if op.code != "T" {
			continue
		}
		for _, row := range op.rows {
			for _, f := range row {
				all = append(all, f.value)
			}
		}
	}
	return all
}

// private returns what must not come out beside the credentials as they are:
// these values, and what reading makes of anything secret that the platform
// echoes without having encoded it.
func (c *Client) private(values ...string) []string {
	echoes := c.constant().echoes
	private := append(make([]string, 0, len(values)+len(echoes)), values...)
	private = append(private, echoes...)
	for _, v := range values {
		private = c.cfg.appendEchoes(private, v)
	}
	return private
}

// appendEchoes adds what reading makes of a secret: decoding changes it, and H
// ends a value at each '&'.
func (c Config) appendEchoes(to []string, secret string) []string {
	if !strings.ContainsAny(secret, "&%+") {
		return to
	}
	for piece := range strings.SplitSeq(secret, "&") {
		if piece != secret && len(piece) >= minPiece && c.OutputFormat == FormatPairs {
			to = append(to, piece, unescape(piece))
		}
	}
	for range 2 { // H is decoded, and a text in it once more
		decoded := unescape(secret)
		if decoded == secret {
			break
		}
		to = append(to, decoded)
		secret = decoded
	}
	return to
}

// badInput is a call that was not made.
func badInput(err error) *outbox.DeliveryError {
	return &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: err.Error(), Err: err}
}
