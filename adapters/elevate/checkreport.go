package elevate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/adapters/contract"
	"github.com/amsbridge/amsbridge/outbox"
)

// Subjects of findings about the Report API.
const (
	reportKey     = "Report API's key"
	reportProfile = "report profile"
)

// report returns the findings from one report.
func (cfg CheckConfig) report(ctx context.Context) []contract.Finding {
	if cfg.Reports == nil {
		return []contract.Finding{finding(reportKey, contract.NotChecked, "no Report API was given to ask")}
	}
	if cfg.Window <= 0 {
		cfg.Window = 24 * time.Hour
	}
	rows, reported := 0, map[string]bool{}
	for row, err := range cfg.Reports.Registrations(ctx, cfg.Reports.now().Add(-cfg.Window)) {
		switch {
		case err != nil && errors.Is(ctx.Err(), context.Canceled):
			return []contract.Finding{
				finding(reportKey, contract.NotChecked, "the check was called off before an answer came"),
			}
		case err != nil:
			return []contract.Finding{reportProblem(err)}
		}
		rows++
		reported[row.RemoteProductID] = true
	}
	read := finding(reportProfile, contract.Good, fmt.Sprintf("a report was read; registrations in it: %d", rows))
	if rows == 0 {
		read = finding(reportProfile, contract.NotChecked, fmt.Sprintf("the report of the last %s is empty, "+
			"so that no row shows whether the profile reads one; ask with a longer Window", cfg.Window))
	}
	accepted := finding(reportKey, contract.Good,
		"it is accepted; whether the Registration API takes the same one, this does not show")
	return append([]contract.Finding{accepted, read}, cfg.products(reported)...)
}

// reportProblem returns the finding of a report that failed.
func reportProblem(err error) contract.Finding {
	d, ok := errors.AsType[*outbox.DeliveryError](err)
	switch {
	case !ok: // too soon: the window is not the cause
		return finding(reportKey, contract.NotChecked, "no report was asked for: "+err.Error())
	case d.Outcome == outbox.OutcomeUnauthorized:
		return finding(reportKey, contract.Wrong, "it is refused: "+d.Error())
	case d.Outcome == outbox.OutcomeThrottled, d.Outcome == outbox.OutcomeUnavailable && d.Code != "" && !d.Tentative:
		return finding(reportKey, contract.NotChecked, "the Report API is busy or down; try again later: "+d.Error())
	case d.Outcome == outbox.OutcomeUnavailable && !d.Tentative:
		return finding("Report API", contract.Wrong, "it is not reached: "+d.Error())
	}
	return finding(reportProfile, contract.Wrong,
		"no report could be read; is the address right, and the profile? "+d.Error())
}

// maxListed is how many products of a report are listed.
const maxListed = 20

// products returns the findings about products. A product that is not in the report may still exist.
func (cfg CheckConfig) products(reported map[string]bool) []contract.Finding {
	wanted := cfg.RemoteProductIDs
	if len(wanted) == 0 {
		for id := range reported {
			wanted = append(wanted, id)
		}
		slices.Sort(wanted)
		wanted = wanted[:min(maxListed, len(wanted))]
	}
	var all []contract.Finding
	for _, id := range wanted {
		subject := "remote product ID " + cfg.Reports.api.Quote(id, 64)
		switch {
		case id == "":
			all = append(all, finding("remote product IDs", contract.NotChecked, "somebody was registered for a product "+
				"without one: where the shop sells it, staff must type it into its set-up page"))
		case !reported[id]:
			all = append(all, finding(subject, contract.NotChecked, "nobody was registered for it lately, "+
				"and Elevate lists no products: look at the product's set-up page"))
		default:
			all = append(all, finding(subject, contract.Good, "somebody was registered for it lately"))
		}
	}
	return all
}
