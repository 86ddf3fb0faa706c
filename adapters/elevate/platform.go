package elevate

import (
	"context"
	"net/http"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/apiclient"
	"github.com/amsbridge/amsbridge/outbox"
)

var _ amsbridge.Platform = (*Client)(nil)

// maxReason is how much of the platform's error text becomes a reason, in
// bytes.
const maxReason = 300

// Give registers the person for the grant's product, by one call. The receipt is an [amsbridge.Receipt]
// with the Product URL, where Elevate gave one that may be stored. Where it may not, the registration
// counts all the same, and the result's detail says why.
//
// An error is an [*outbox.DeliveryError]. Any 2xx that is not understood is "unknown", never a success.
// A grant without a name or e-mail address, or of an item that is not Elevate's, is rejected unsent.
func (c *Client) Give(ctx context.Context, g amsbridge.Grant) (outbox.Result, error) {
	if fact, bad := missing(g); bad != nil {
		return outbox.Result{}, rejected("the "+fact+" "+bad.Problem, bad)
	}
	req, err := c.profile.request(c.endpoint, c.credentials.reveal(), g, c.confirms(g))
	if err != nil {
		return outbox.Result{}, rejected("no JSON can be made of it", nil)
	}
	reply, err := c.api.Do(ctx, req)
	if err != nil {
		return outbox.Result{}, err
	}
	return c.judge(reply, g.User.Email, req.Private)
}

// Take makes no call, since none is known that ends a registration. It returns an
// [*amsbridge.ByHandError] that asks a person to do it, or an [*outbox.DeliveryError] that rejects an
// item which is not Elevate's.
func (c *Client) Take(_ context.Context, g amsbridge.Grant) (outbox.Result, error) {
	if bad := notElevates(g.Item); bad != nil {
		return outbox.Result{}, rejected("the item "+bad.Problem, bad)
	}
	return outbox.Result{}, &amsbridge.ByHandError{
		Task: "cancel the registration for product " + g.Item.RemoteProductID +
			" in Elevate by hand: no call for it is known",
	}
}

// rejected returns the error of a grant that was not sent.
func rejected(reason string, err error) *outbox.DeliveryError {
	return &outbox.DeliveryError{Outcome: outbox.OutcomeRejected, Reason: reason, Err: err}
}

// confirms tells whether a send asks for the confirmation email. After a lost session it still does,
// since the earlier delivery perhaps had not begun.
func (c *Client) confirms(g amsbridge.Grant) bool {
	return c.confirmation && !g.Backfill && !g.Had && (c.confirmAgain || g.Doubt&outbox.DoubtUnknown == 0)
}

// judge turns a reply into a result or an error. What is not understood says nothing of the grant: the endpoint
// or the profile may be wrong, so that three of different grants in a row pause the destination.
func (c *Client) judge(reply *apiclient.Reply, email string, hide []string) (outbox.Result, error) {
	a := c.profile.read(reply.Body)
	if d := c.api.Classify(reply, hide...); d != nil {
		if reply.Status/100 != 4 || a.text == "" {
			return outbox.Result{}, d
		}
		said := c.api.Quote(a.text, maxReason, hide...) // without the person's values, which may be any words
		if reply.Status == http.StatusNotFound && ofProduct(said) {
			d.Outcome, d.Tentative, d.Reason = outbox.OutcomeRejected, false, "the platform refuses the request"
		}
		d.Reason += ": " + said
		return outbox.Result{}, d
	}
	detail := c.api.Detail(reply, hide...)
	fail := func(o outbox.Outcome, reason string) (outbox.Result, error) {
		return outbox.Result{}, &outbox.DeliveryError{
			Outcome: o, Tentative: o == outbox.OutcomeUnknown, Code: reply.Code(), Reason: reason, Detail: detail,
		}
	}
	switch {
	case reply.Truncated:
		return fail(outbox.OutcomeUnknown, "the reply is longer than is read")
	case reply.IsPage():
		return fail(outbox.OutcomeUnknown, "a web page answers; is Config.Endpoint right?")
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
	case a.verdict == verdictUnclear, a.verdict == verdictUnmarked && (link == "" || a.deeper):
		return fail(outbox.OutcomeUnknown, a.problem+"; are Config.Endpoint and the wire profile right?")
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
