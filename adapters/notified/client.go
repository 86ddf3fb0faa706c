package notified

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/internal/apiclient"
	"github.com/amsbridge/amsbridge/outbox"
)

// Client delivers add-ons. It is safe for concurrent use. Make one with [New].
type Client struct {
	cfg  Config
	http *apiclient.Client
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
	if cfg.OutputFormat == "" {
		cfg.OutputFormat = FormatXML
	}
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
	return &Client{cfg: cfg, http: h}, nil
}

// String shows nothing secret.
func (c *Client) String() string { return "notified.Client" }

// GoString shows nothing secret.
func (c *Client) GoString() string { return c.String() }

// CloseIdleConnections closes the connections that no call uses. The client
// stays usable.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// Deliver sends the add-ons of one message by opcode M, looking the person up
// by ExternalUserID. It sends once and never repeats by itself.
//
//   - Status 0 with as many add-ons added as asked for: delivered.
//   - Status 0 with fewer: already done, count kept, when m is a possible
//     duplicate, since an earlier send may have added the rest. That the
//     platform answers a repeat so is a guess. On a first send it is rejected:
//     a person must look.
//   - Status 71 (no such person) and 72 (not registered for the show): not
//     ready, for either may come later from elsewhere.
//   - Any other status: rejected, with the platform's message.
//   - The credentials refused, or HTTP 401 and 403: unauthorized.
//   - No reply that can be understood, or one that contradicts itself: unknown.
//
// A message that breaks a limit of the vendor's text is rejected before
// anything is sent, and the reason names the field. A newer payload version is
// an error that wraps [outbox.ErrNewerVersion]; all others are
// [*outbox.DeliveryError]. Neither result nor error holds credentials, the user
// ID, names or e-mail addresses.
func (c *Client) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	push, err := amsbridge.DecodeAddOns(m)
	if errors.Is(err, outbox.ErrNewerVersion) {
		return outbox.Result{}, fmt.Errorf("notified: %w", err)
	}
	if err == nil {
		err = checkPush(push)
	}
	if err != nil {
		return outbox.Result{}, &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: err.Error(), Err: err}
	}
	private := c.private(push.User)
	req := c.request(m.Key, push)
	req.Private = private
	reply, err := c.http.Do(ctx, req)
	if err != nil {
		return outbox.Result{}, err
	}
	if d := c.http.Classify(reply, private...); d != nil {
		return outbox.Result{}, d
	}
	result, d := judge(c.cfg.OutputFormat, reply.Body, reply.Truncated, len(push.Keys()), m.PossibleDuplicate())
	if c.cfg.OutputFormat == FormatPairs {
		reply.Body = []byte(unescape(string(reply.Body))) // what was encoded twice would not be recognised
	}
	detail := c.http.Detail(reply, private...)
	if d != nil {
		d.Reason = outbox.CutText(c.http.Scrub(d.Reason, private...), outbox.MaxReason)
		d.Detail = detail
		return outbox.Result{}, d
	}
	result.Detail = detail
	return result, nil
}

// private returns what must not come out beside the credentials as they are:
// facts about the person, and what reading makes of anything secret that the
// platform echoes without having encoded it: decoding changes it, and H ends a
// value at each '&'.
func (c *Client) private(u amsbridge.User) []string {
	private := []string{string(u.ID), u.Email, u.FirstName, u.LastName}
	for _, secret := range append([]string{c.cfg.AuthCode, c.cfg.Credentials}, private...) {
		for piece := range strings.SplitSeq(secret, "&") {
			if piece != secret && len(piece) >= minPiece && c.cfg.OutputFormat == FormatPairs {
				private = append(private, piece, unescape(piece))
			}
		}
		for range 2 { // H is decoded, and a text in it once more
			decoded := unescape(secret)
			if decoded == secret {
				break
			}
			private = append(private, decoded)
			secret = decoded
		}
	}
	return private
}
