package notified

import (
	"context"
	"strings"

	"github.com/amsbridge/amsbridge/adapters/contract"
)

// way is one way of calling that the vendor's text allows, or does not rule out.
type way struct {
	name, setting string
	get, inForm   bool
}

var ways = []way{
	{name: "POST with LASCmd in the URL", setting: "neither Config.UseGET nor Config.LASCmdInForm"},
	{name: "GET", setting: "Config.UseGET", get: true},
	{name: "POST with LASCmd in the form", setting: "Config.LASCmdInForm", inForm: true},
}

// findWay asks the same in the ways that are not set, and returns the client of one that works: of the one that
// is set if it does. Where another one alone does, its answer replaces that of the one that is set, since what is
// not read may look like wrong credentials.
func (c *Client) findWay(ctx context.Context, show int64, set *answer) (*Client, contract.Finding) {
	found := contract.Finding{Subject: "GET or POST", State: contract.NotChecked}
	if set.busy() {
		found.Text = "the platform is busy or down"
		return c, found
	}
	asSet, works, setting := "", c, ""
	var fine, failed []string
	came := set.came || set.badShow
	for _, w := range ways {
		if w.get == c.cfg.UseGET && w.inForm == c.cfg.LASCmdInForm {
			asSet = w.name
			continue
		}
		other := *c
		other.cfg.UseGET, other.cfg.LASCmdInForm = w.get, w.inForm
		a := other.query(ctx, "K", nobody, show)
		switch {
		case !a.came && !a.badShow:
			failed = append(failed, w.name)
			continue
		case !came && works == c:
			works, setting, *set = &other, w.setting, a
		}
		fine = append(fine, w.name)
	}
	switch {
	case came:
		found.State, found.Text = contract.Good, asSet+", as it is set, is answered"
	case works != c:
		found.State, found.Text = contract.Wrong, asSet+", as it is set, is not answered as others are: set "+setting
	default:
		found.Text = "no way is answered: " + asSet + ", as it is set"
	}
	if len(fine) > 0 {
		found.Text += "; answered too: " + strings.Join(fine, ", and ")
	}
	if len(failed) > 0 {
		found.Text += "; not answered: " + strings.Join(failed, ", and ")
	}
	return works, found
}
