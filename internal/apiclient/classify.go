package apiclient

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// maxWait is the longest Retry-After that is honoured.
const maxWait = 6 * time.Hour

// maxDetail is how much of a reply is kept for the operator, in bytes.
const maxDetail = 4 << 10

// ofEndpoint are the 4xx that are about the path, the host or the form of every call to it, and not about what
// one call says.
var ofEndpoint = []int{
	http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusGone,
	http.StatusUnsupportedMediaType, http.StatusMisdirectedRequest, http.StatusUpgradeRequired,
}

// IsPage tells whether the body is a web page, or XML of any kind. A content type of HTML tells it too, except of
// JSON: some servers send that under the default of their language.
func (r *Reply) IsPage() bool {
	body := strings.TrimSpace(strings.TrimPrefix(r.Body, "\ufeff"))
	if strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[") {
		return false
	}
	return strings.HasPrefix(body, "<") || strings.Contains(strings.ToLower(r.Header.Get("Content-Type")), "html")
}

// Classify returns the error that the HTTP status alone means, or nil for a 2xx, whose body must be
// read. A 5xx is an answer, so it is unavailable. But a gateway's 504 says that the platform gave no
// answer, so it is unknown. A 503 with a Retry-After delays only its own message. What is about the endpoint
// rather than the message, such as a 404 of the path, is tentative: nothing was done, and it is sent again.
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
		d.Outcome, d.Reason, d.Tentative = outbox.OutcomeUnavailable, "redirects are not followed; is the endpoint's URL right?", true
	case slices.Contains(ofEndpoint, r.Status):
		d.Outcome, d.Reason, d.Tentative = outbox.OutcomeUnavailable, "there is no such API; is the endpoint's URL right?", true
	case r.Status/100 == 4 && r.IsPage():
		d.Outcome, d.Reason, d.Tentative = outbox.OutcomeUnavailable, "a web page answers; is the endpoint's URL right?", true
	case r.Status/100 == 4:
		d.Outcome, d.Reason = outbox.OutcomeRejected, "the platform refuses the request"
	default:
		d.Outcome, d.Reason = outbox.OutcomeUnknown, "the platform's status has no meaning"
	}
	return d
}

// Detail returns the beginning of the reply's text for an operator: scrubbed, valid UTF-8 without
// control characters, at most 4 KiB.
func (c *Client) Detail(r *Reply, private ...string) string {
	return c.quote(r.Body, r.Truncated, maxDetail, private)
}

// RetryAfter reads the Retry-After header (RFC 9110 section 10.2.3: seconds or an HTTP date). It
// returns zero where there is none, where it is in the past and where it cannot be read, and at most
// six hours.
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
