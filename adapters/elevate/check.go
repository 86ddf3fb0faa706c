package elevate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/amsbridge/amsbridge/adapters/contract"
	"github.com/amsbridge/amsbridge/internal/apiclient"
	"github.com/amsbridge/amsbridge/internal/reach"
	"github.com/amsbridge/amsbridge/outbox"
)

// CheckConfig says what [Client.Check] checks.
type CheckConfig struct {
	// Reports is used for one report, within its own pace. Defaults to nil: the Report API is not
	// called.
	Reports *Reports
	// Window is how far back that report goes. Defaults to 24 hours.
	Window time.Duration
	// RemoteProductIDs are the shop's product IDs to find in the report. Defaults to none: the report's
	// products are listed.
	RemoteProductIDs []string
}

// Check tests a real account by harmless reads, and says in plain words what is right, what is wrong
// and what cannot be told without a write. It sends one GET without body and credentials to the
// endpoint, and at most one report, which Elevate counts like any other. It registers nobody.
//
// The findings are Elevate's state at that time and promise nothing. They hold no credential, no name
// and no e-mail address.
func (c *Client) Check(ctx context.Context, cfg CheckConfig) []contract.Finding {
	reply, err := c.api.Do(ctx, apiclient.Request{
		Method: http.MethodGet, URL: c.endpoint, Header: http.Header{"Accept": {"application/json"}},
	})
	d, _ := errors.AsType[*outbox.DeliveryError](err)
	all, reached := reach.Host(ctx, c.endpoint, d)
	if reached {
		all = append(all, endpointFinding(reply))
	}
	all = append(all, cfg.report(ctx)...)
	return append(all, c.unseen()...)
}

func finding(subject string, state contract.State, text string) contract.Finding {
	return contract.Finding{Subject: subject, State: state, Text: text}
}

// endpointFinding says what a GET shows about an endpoint that takes only POST.
func endpointFinding(r *apiclient.Reply) contract.Finding {
	state := contract.NotChecked
	text := "something is there; whether it is the Registration API, only a registration shows"
	switch {
	case r.Status == http.StatusMethodNotAllowed:
		state, text = contract.Good, "something is there that wants another method, as the Registration API does"
	case r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden:
		state, text = contract.Good, "something is there that wants credentials; this call sent none"
	case r.Status == http.StatusNotFound, r.Status == http.StatusGone:
		state, text = contract.Wrong, "nothing is there; is the path right? "+
			"(A few servers say so of a path that takes POST alone: compare it with the vendor's page.)"
	case r.Status/100 == 3:
		state, text = contract.Wrong, "it redirects, and redirects are not followed; "+
			"is it the final URL, of https and of the right host?"
	case r.Status == http.StatusTooManyRequests, r.Status >= 500:
		text = "the platform is busy or down; try again later"
	case r.Status/100 == 4:
		state, text = contract.Good, "something is there that refuses an empty call, as it should"
	case r.IsPage():
		state, text = contract.Wrong, "a web page is there, such as one to sign in, and not an API"
	}
	return finding("endpoint", state, "a GET is answered with "+r.Code()+": "+text)
}

// unseen returns findings about what no read can show.
func (c *Client) unseen() []contract.Finding {
	profile := fmt.Sprintf("whether Elevate reads the field names of profile %q, and we its replies, "+
		"only a registration shows; compare what Preview returns with the vendor's page", outbox.CutText(c.profile.Name, 64))
	guess := GuessedProfile()
	guess.Name = c.profile.Name
	if reflect.DeepEqual(c.profile, guess) {
		profile = "it is GuessedProfile, our guess: " + profile
	}
	return []contract.Finding{
		finding("wire profile", contract.NotChecked, profile),
		finding("registration", contract.NotChecked, "no read tells that the Registration API takes our "+
			"credentials, knows a product and keeps the user ID by which SSO finds them: "+
			"register a test user for a test product, then sign in as that user"),
		finding("confirmation mail", contract.NotChecked,
			"whether one goes out, and whether a repeat sends a second one, only a registration shows"),
	}
}
