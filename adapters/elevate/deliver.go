package elevate

import (
	"context"
	"errors"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/apiclient"
	"github.com/amsbridge/amsbridge/outbox"
)

var _ outbox.Destination = (*Client)(nil)

// maxReason is how much of the platform's error text becomes a reason, in
// bytes.
const maxReason = 300

// Deliver sends one registration. The receipt is an [amsbridge.Receipt] with the Product URL, where
// Elevate gave one that may be stored. Where it may not, the delivery counts all the same, and the
// result's detail says why.
//
// An error is an [*outbox.DeliveryError], or [outbox.ErrNewerVersion]. Any 2xx that is not understood
// is "unknown", never a success. A registration without a name or e-mail address is rejected unsent.
func (c *Client) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	r, err := amsbridge.DecodeRegistration(m)
	if errors.Is(err, outbox.ErrNewerVersion) {
		return outbox.Result{}, err
	}
	if err != nil {
		return outbox.Result{}, rejected(reasonOf(err), err)
	}
	if fact, bad := missing(r); bad != nil {
		return outbox.Result{}, rejected("the "+fact+" "+bad.Problem, bad)
	}
	req, err := c.profile.request(c.endpoint, c.credentials.reveal(), r, m.Key, c.confirms(r, m.Doubt))
	if err != nil {
		return outbox.Result{}, rejected("no JSON can be made of it", nil)
	}
	reply, err := c.api.Do(ctx, req)
	if err != nil {
		return outbox.Result{}, err
	}
	return c.judge(reply, r.User.Email, req.Private)
}

// rejected returns the error of a message that was not sent.
func rejected(reason string, err error) *outbox.DeliveryError {
	return &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: reason, Err: err}
}

// confirms tells whether a send asks for the confirmation email. After a lost lease it still does,
// since the earlier delivery perhaps had not begun.
func (c *Client) confirms(r amsbridge.Registration, doubt outbox.Doubt) bool {
	return c.confirmation && !r.Backfill && (c.confirmAgain || doubt&outbox.DoubtUnknown == 0)
}

// reasonOf returns an error about a message in an operator's words: "Message.Kind" is "message kind".
func reasonOf(err error) string {
	if bad, ok := errors.AsType[*amsbridge.InputError](err); ok {
		return "the " + strings.ToLower(strings.ReplaceAll(bad.Field, ".", " ")) + " " + bad.Problem
	}
	return "the message cannot be read"
}

// judge turns a reply into a result or an error.
func (c *Client) judge(reply *apiclient.Reply, email string, hide []string) (outbox.Result, error) {
	a := c.profile.read(reply.Body)
	if d := c.api.Classify(reply, hide...); d != nil {
		if reply.Status/100 == 4 && a.text != "" {
			d.Reason += ": " + c.api.Quote(a.text, maxReason, hide...)
		}
		return outbox.Result{}, d
	}
	detail := c.api.Detail(reply, hide...)
	fail := func(o outbox.Outcome, reason string) (outbox.Result, error) {
		return outbox.Result{}, &outbox.DeliveryError{Outcome: o, Code: reply.Code(), Reason: reason, Detail: detail}
	}
	if reply.Truncated {
		return fail(outbox.OutcomeUnknown, "the reply is longer than is read")
	}
	link, problem := "", ""
	if a.url != "" {
		link, problem = c.productURL(a.url, email)
	}
	switch {
	case a.verdict == verdictRefused && a.text == "":
		return fail(outbox.OutcomeRejected, "the platform reports a failure")
	case a.verdict == verdictRefused:
		return fail(outbox.OutcomeRejected, "the platform reports: "+c.api.Quote(a.text, maxReason, hide...))
	case a.verdict == verdictUnclear, a.verdict == verdictUnmarked && link == "":
		return fail(outbox.OutcomeUnknown, a.problem)
	}
	res := outbox.Result{Code: reply.Code(), Detail: detail}
	if link != "" {
		res.Receipt = amsbridge.Receipt{ProductURL: link}.Encode()
	}
	if problem != "" {
		res.Detail = outbox.CutText("the Product URL was not stored: it "+problem+"\n"+detail, len(detail)+100)
	}
	return res, nil
}
