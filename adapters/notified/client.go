package notified

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/amsbridge/amsbridge/internal/apiclient"
	"github.com/amsbridge/amsbridge/outbox"
)

// Client calls opcodes, and gives and takes grants with them. It is safe for concurrent use. Make one with
// [New].
type Client struct {
	cfg  Config // without auth code and credentials
	http *apiclient.Client
	// secrets returns auth code and credentials. It is a function, so that printing a Client does not
	// show them.
	secrets func() (authCode, credentials string)
}

// New returns a client. It makes no call: wrong credentials show at the first delivery. The error is an
// [*amsbridge.InputError] that names the bad field.
func New(cfg Config) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	h, err := apiclient.New(apiclient.Config{
		AllowLoopbackHTTP: cfg.AllowLoopbackHTTP, Concurrency: cfg.Concurrency, MaxBody: cfg.MaxBody,
		Now: cfg.Now, Package: "notified", RootCAs: cfg.RootCAs, Version: cfg.Version,
		Secrets: []string{cfg.AuthCode, cfg.Credentials},
	})
	if err != nil {
		return nil, err
	}
	if err := h.CheckEndpoint("Config.BaseURL", cfg.BaseURL); err != nil {
		return nil, err
	}
	authCode, credentials := cfg.AuthCode, cfg.Credentials
	cfg.AuthCode, cfg.Credentials = "", ""
	return &Client{cfg: cfg, http: h, secrets: func() (string, string) { return authCode, credentials }}, nil
}

// String shows no secret.
func (c *Client) String() string { return "notified.Client" }

// GoString shows no secret.
func (c *Client) GoString() string { return c.String() }

// CloseIdleConnections closes the connections that no call uses. The client can still be used.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// run makes one call and reads its reply. It returns the steps that ran, with an error too. Everything
// is scrubbed except the outputs of the steps. The detail is the reply for an operator, with an error
// too; it is empty where a ticket was asked for.
func (c *Client) run(
	ctx context.Context, key string, q Chain,
) (steps []Step, detail string, d *outbox.DeliveryError) {
	private := c.private(string(q.Person.UserID), q.Person.Email, q.Person.FirstName, q.Person.LastName)
	req := c.request(key, q)
	req.Private = private
	got, err := c.http.Do(ctx, req)
	if err != nil {
		d, _ = errors.AsType[*outbox.DeliveryError](err)
		return nil, "", cmp.Or(d, unknown("no answer came"))
	}
	withTicket := strings.Contains(q.OpCodes, "T")
	// What a take does not know cannot be scrubbed: an answer that is none of the API's may show names.
	nameless := q.Person.FirstName == "" && q.Person.LastName == ""
	if d = c.http.Classify(got, private...); d != nil {
		if !withTicket && !nameless {
			detail = d.Detail
		}
		return nil, detail, d
	}
	format := formatOf(got.Body, c.cfg.OutputFormat)
	r, err := format.parse(got.Body)
	if withTicket {
		private = append(private, c.private(r.tickets()...)...)
	}
	switch {
	case got.Truncated:
		d = notOurs("the reply is longer than is read")
	case err != nil:
		d = notOurs(err.Error())
	default:
		r.quote(func(said string) string { return c.http.Quote(said, outbox.MaxReason, private...) })
		steps, d = c.cfg.judge(q.OpCodes, r)
	}
	if d != nil && d.Tentative {
		d.Code = cmp.Or(d.Code, got.Code())
	}
	if withTicket || nameless && d != nil && len(steps) == 0 {
		return steps, "", d
	}
	if format == FormatPairs {
		// What decoding brings to light is scrubbed too.
		got.Body, got.Truncated = unescape(c.http.Detail(got, private...)), false
	}
	return steps, c.http.Detail(got, private...), d
}

// tickets returns the outputs of T, whatever their names, that may be tickets, up to 2 KiB together: only
// a hostile platform sends more, and nothing could keep it from telling its own tickets.
func (r reply) tickets() []string {
	var all []string
	left := 2 * maxTicket
	for _, op := range r.ops {
		for _, outputs := range op.rows {
			for _, f := range outputs {
				if op.code == "T" && len(f.value) <= min(left, maxTicket) {
					all = append(all, f.value)
					left -= len(f.value)
				}
			}
		}
	}
	return all
}

// minPiece is the shortest piece of a secret that is removed by itself. Shorter ones occur in any text.
const minPiece = 4

// private returns the values to scrub besides auth code and credentials. They are these values, and
// what reading a reply makes of values, auth code and credentials that the platform echoes unencoded:
// reading decodes a text up to twice, and in H ends it at each '&'.
func (c *Client) private(values ...string) []string {
	authCode, credentials := c.secrets()
	all := values
	for _, value := range append([]string{authCode, credentials}, values...) {
		if !strings.ContainsAny(value, "&%+") {
			continue // reading does not change it
		}
		for _, piece := range append(strings.Split(value, "&"), value) {
			for range 3 {
				if piece != value && len(piece) >= minPiece {
					all = append(all, piece)
				}
				piece = unescape(piece)
			}
		}
	}
	return all
}
