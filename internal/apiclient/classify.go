package apiclient

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// maxWait caps what a platform may ask for by Retry-After.
const maxWait = 6 * time.Hour

// maxDetail is how much of a reply is kept, in bytes.
const maxDetail = 4 << 10

// Classify returns what the HTTP status alone says, and nil for a 2xx, of which
// the body must be read. A 5xx is an answer, hence unavailable; but a gateway's
// 504 says that the platform itself gave none, hence unknown. A 503 that names
// a time delays its own message and holds nothing else.
func (c *Client) Classify(r *Reply, private ...string) *outbox.DeliveryError {
	if r.Status/100 == 2 {
		return nil
	}
	d := &outbox.DeliveryError{Code: r.Code(), Detail: c.Detail(r, private...)}
	switch {
	case r.Status == http.StatusUnauthorized:
		d.Outcome, d.Reason = outbox.OutcomeUnauthorized, "the platform refuses our credentials"
	case r.Status == http.StatusForbidden:
		d.Outcome, d.Reason, d.Tentative = outbox.OutcomeUnauthorized, "the platform forbids it", true
	case r.Status == http.StatusTooManyRequests:
		d.Outcome, d.Reason = outbox.OutcomeThrottled, "the platform asks for fewer calls"
		d.RetryAfter = RetryAfter(r.Header, c.now())
	case r.Status == http.StatusGatewayTimeout:
		d.Outcome, d.Reason = outbox.OutcomeUnknown, "a gateway gave up waiting for the platform's answer"
	case r.Status >= 500, r.Status == http.StatusRequestTimeout, r.Status == http.StatusTooEarly:
		d.Outcome, d.Reason = outbox.OutcomeUnavailable, "the platform is not available"
		d.RetryAfter = RetryAfter(r.Header, c.now())
	case r.Status/100 == 3:
		d.Outcome, d.Reason = outbox.OutcomeRejected, "redirects are not followed; is the endpoint's URL right?"
	case r.Status == http.StatusNotFound, r.Status == http.StatusMethodNotAllowed, r.Status == http.StatusGone:
		d.Outcome, d.Reason = outbox.OutcomeRejected, "the platform knows no such address; is the endpoint's URL right?"
	case r.Status/100 == 4:
		d.Outcome, d.Reason = outbox.OutcomeRejected, "the platform refuses the request"
	default:
		d.Outcome, d.Reason = outbox.OutcomeUnknown, "the platform's status has no meaning"
	}
	return d
}

// Detail returns the beginning of the reply's text as an operator may read it:
// scrubbed, valid UTF-8 without control characters, at most 4 KiB.
func (c *Client) Detail(r *Reply, private ...string) string {
	needles := c.needles(private)
	margin := longest(needles) // what the cut left of a value would not be recognised
	text, cut := r.Body, r.Truncated
	if limit := 2*maxDetail + margin; len(text) > limit {
		text, cut = text[:limit], true
	}
	end := len(text)
	if cut {
		end = max(0, end-margin)
	}
	return outbox.CutText(scrub(text, end, needles), maxDetail)
}

// RetryAfter reads the Retry-After header (RFC 9110 section 10.2.3: seconds or
// an HTTP date). It returns zero for none, one in the past and one that cannot
// be read, and at most six hours.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if strings.Trim(v, "0123456789") == "" {
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil || n > uint64(maxWait/time.Second) {
			return maxWait
		}
		return time.Duration(n) * time.Second //nolint:gosec // at most six hours
	}
	t, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return min(max(0, t.Sub(now)), maxWait)
}
