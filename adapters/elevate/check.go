package elevate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/adapters/contract"

	"github.com/amsbridge/amsbridge/internal/apiclient"
	"github.com/amsbridge/amsbridge/internal/reach"
	"github.com/amsbridge/amsbridge/outbox"
)

// CheckConfig says what [Client.Check] looks at.
type CheckConfig struct {
	// Reports asks the Report API, once, within its own pace. Defaults to nil: the
	// Report API is not asked.
	Reports *Reports
	// Window is how far back that report goes. Defaults to 24 hours.
	Window time.Duration
	// RemoteProductIDs are the shop's, to be looked for in the report. Defaults to
	// none: those that are there are listed.
	RemoteProductIDs []string
}

// Check looks at a real account by harmless reads, and says in plain words what
// is right, what is wrong and what cannot be told without a write. It sends one
// GET without body and credentials to the endpoint, and one report at most, which
// counts for Elevate as any other. It registers nobody.
//
// What it finds is Elevate's state at that time and no promise. No finding holds
// a credential, a name or an e-mail address.
func (c *Client) Check(ctx context.Context, cfg CheckConfig) []contract.Finding {
	reply, err := c.api.Do(ctx, apiclient.Request{Method: http.MethodGet, URL: c.endpoint, Header: http.Header{"Accept": {"application/json"}}})
	d, _ := errors.AsType[*outbox.DeliveryError](err)
	all, reached := reach.Host(ctx, c.endpoint, d)
	if reached {
		all = append(all, endpointFinding(reply))
	}
	all = append(all, cfg.report(ctx)...)
	return append(all, c.unseen()...)
}

// endpointFinding says what a GET shows of an endpoint that is for POST.
func endpointFinding(r *apiclient.Reply) contract.Finding {
	say := func(state contract.State, text string) contract.Finding {
		return contract.Finding{Subject: "endpoint", State: state, Text: text}
	}
	answered := "a GET is answered with " + r.Code() + ": "
	switch {
	case r.Status == http.StatusMethodNotAllowed:
		return say(contract.Good, answered+"something is there that wants another method, as the Registration API does")
	case r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden:
		return say(contract.Good, answered+"something is there that wants credentials; this call sent none")
	case r.Status == http.StatusNotFound, r.Status == http.StatusGone:
		return say(contract.Wrong, answered+"nothing is there; is the path right? "+
			"(A few servers say so of a path that takes POST alone: compare it with the vendor's PDF.)")
	case r.Status/100 == 3:
		return say(contract.Wrong, answered+"it redirects, and redirects are not followed; is it the final URL, of https and of the right host?")
	case r.Status == http.StatusTooManyRequests, r.Status >= 500:
		return say(contract.NotChecked, answered+"the platform is busy or down; try again later")
	case r.Status/100 == 4:
		return say(contract.Good, answered+"something is there that refuses an empty call, as it should")
	case isPage(r):
		return say(contract.Wrong, answered+"a web page is there, such as one to sign in, and not an API")
	}
	return say(contract.NotChecked, answered+"something is there; whether it is the Registration API, only a registration shows")
}

// isPage tells whether a reply is HTML, whatever it says that it is.
func isPage(r *apiclient.Reply) bool {
	if strings.Contains(strings.ToLower(r.Header.Get("Content-Type")), "html") {
		return true
	}
	return strings.HasPrefix(strings.TrimSpace(strings.TrimPrefix(r.Body, "\ufeff")), "<")
}

// unseen are what no read can show.
func (c *Client) unseen() []contract.Finding {
	profile := contract.Finding{
		Subject: "wire profile", State: contract.NotChecked,
		Text: fmt.Sprintf("whether Elevate reads the field names of profile %q, and we its replies, only a registration shows; "+
			"let the vendor look at what Preview returns", outbox.CutText(c.profile.Name, 64)),
	}
	guess := GuessedProfile()
	guess.Name = c.profile.Name
	if reflect.DeepEqual(c.profile, guess) {
		profile.Text = "it is GuessedProfile, our guess: " + profile.Text
	}
	return []contract.Finding{
		profile,
		{
			Subject: "registration", State: contract.NotChecked,
			Text: "no read tells that the Registration API takes our credentials, knows a product and keeps the user ID by which SSO finds them: " +
				"register a test user for a test product, then sign in as that user",
		},
		{
			Subject: "confirmation mail", State: contract.NotChecked,
			Text: "whether one goes out, and whether a repeat sends a second one, only a registration shows",
		},
	}
}

// report says what one report shows.
func (cfg CheckConfig) report(ctx context.Context) []contract.Finding {
	const key, wire = "Report API's key", "report profile"
	if cfg.Reports == nil {
		return []contract.Finding{{Subject: key, State: contract.NotChecked, Text: "no Report API was given to ask"}}
	}
	if cfg.Window <= 0 {
		cfg.Window = 24 * time.Hour
	}
	rows, seen := 0, map[string]bool{}
	for row, err := range cfg.Reports.Registrations(ctx, cfg.Reports.now().Add(-cfg.Window)) {
		switch {
		case err != nil && errors.Is(ctx.Err(), context.Canceled):
			return []contract.Finding{{Subject: key, State: contract.NotChecked, Text: "the check was called off before an answer came"}}
		case err != nil:
			return []contract.Finding{reportProblem(err, key, wire)}
		}
		rows++
		seen[row.RemoteProductID] = true
	}
	all := []contract.Finding{
		{Subject: key, State: contract.Good, Text: "it is accepted; whether the Registration API takes the same one, this does not show"},
		{Subject: wire, State: contract.Good, Text: fmt.Sprintf("a report was read; registrations in it: %d", rows)},
	}
	if rows == 0 {
		all[1] = contract.Finding{Subject: wire, State: contract.NotChecked, Text: fmt.Sprintf(
			"the report of the last %s is empty, so that no row shows whether the profile reads one; ask with a longer Window", cfg.Window)}
	}
	return append(all, cfg.products(seen)...)
}

func reportProblem(err error, key, wire string) contract.Finding {
	d, ok := errors.AsType[*outbox.DeliveryError](err)
	switch {
	case !ok: // too soon; the window is not at fault
		return contract.Finding{Subject: key, State: contract.NotChecked, Text: "no report was asked for: " + err.Error()}
	case d.Outcome == outbox.OutcomeUnauthorized:
		return contract.Finding{Subject: key, State: contract.Wrong, Text: "it is refused: " + d.Error()}
	case d.Outcome == outbox.OutcomeThrottled, d.Outcome == outbox.OutcomeUnavailable && d.Code != "":
		return contract.Finding{Subject: key, State: contract.NotChecked, Text: "the Report API is busy or down; try again later: " + d.Error()}
	case d.Outcome == outbox.OutcomeUnavailable:
		return contract.Finding{Subject: "Report API", State: contract.Wrong, Text: "it is not reached: " + d.Error()}
	}
	return contract.Finding{Subject: wire, State: contract.Wrong, Text: "no report could be read; is the address right, and the profile? " + d.Error()}
}

// maxListed is how many products of a report are listed.
const maxListed = 20

// products says which products were seen. What a report does not hold may exist
// all the same.
func (cfg CheckConfig) products(seen map[string]bool) []contract.Finding {
	wanted := cfg.RemoteProductIDs
	if len(wanted) == 0 {
		for id := range seen {
			wanted = append(wanted, id)
		}
		slices.Sort(wanted)
		wanted = wanted[:min(maxListed, len(wanted))]
	}
	var all []contract.Finding
	for _, id := range wanted {
		f := contract.Finding{
			Subject: "remote product ID " + outbox.CutText(cfg.Reports.api.Scrub(id), 64),
			State:   contract.Good, Text: "somebody was registered for it lately",
		}
		switch {
		case id == "":
			f.Subject, f.State = "remote product IDs", contract.NotChecked
			f.Text = "somebody was registered for a product without one: where the shop sells it, staff must type it into its set-up page"
		case !seen[id]:
			f.State = contract.NotChecked
			f.Text = "nobody was registered for it lately, and Elevate lists no products: look at the product's set-up page"
		}
		all = append(all, f)
	}
	return all
}
