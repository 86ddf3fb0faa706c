package notified

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/contract"
	"github.com/amsbridge/amsbridge/internal/reach"
	"github.com/amsbridge/amsbridge/outbox"
)

// CheckConfig says what [Client.Check] checks.
type CheckConfig struct {
	// ShowKey is the show. Defaults to none: only host and credentials are checked.
	ShowKey int64
	// ShowPackageKey is the package that KnownUser should be registered for. Defaults to none: any
	// package is right.
	ShowPackageKey int64
	// AddOnKeys should be on KnownUser's registration. Defaults to none.
	AddOnKeys []int64
	// KnownUser is a person who is registered for the show, such as a test user of the association.
	// Defaults to none: the keys cannot be checked then.
	KnownUser Person
}

// nobody is a user who should not exist, looked up to test the credentials.
var nobody = Person{UserID: "amsbridge-check-of-nobody", Email: "amsbridge-check@nobody.invalid"}

// statusNoEvent is known from public pages.
const statusNoEvent = 51

// Check tests a real account by harmless reads, and says in plain words what is right, what is wrong
// and what cannot be told without a write. It sends only the opcodes K and A, in at most five calls: K first in
// each way of calling, by POST with LASCmd in the URL or in the form, and by GET. So once the credentials are in
// a URL, which proxies log, even where Config.UseGET is not set.
//
// The credentials are right once Notified answers about a user that does not exist, most likely with
// status 71. It is public that status 51 means an unknown show, but not whether it comes before 71, so
// status 71 says nothing about the show.
//
// The findings are Notified's state at that time and promise nothing. They hold no credential, no name,
// no e-mail address and not the known user's ID.
func (c *Client) Check(ctx context.Context, cfg CheckConfig) []contract.Finding {
	show := cfg.ShowKey
	if show <= 0 {
		show = 1 // K needs a show key; credentials are checked before it
	}
	answer := c.query(ctx, "K", nobody, show)
	all, reached := reach.Host(ctx, c.cfg.BaseURL, answer.err)
	if !reached {
		return append(all, writesUnseen...)
	}
	works, way := c.findWay(ctx, show, &answer)
	all = append(all, answer.credentials(), way)
	switch {
	case answer.came:
		all = append(all, works.checkShow(ctx, cfg, answer)...)
	case answer.badShow && cfg.ShowKey > 0:
		all = append(all, contract.Finding{
			Subject: fmt.Sprint("show key ", cfg.ShowKey), State: contract.Wrong,
			Text: "there is no such show in this account: " + answer.err.Error(),
		})
	}
	return append(all, writesUnseen...)
}

// writesUnseen are the findings about what no read can show.
var writesUnseen = []contract.Finding{
	{
		Subject: "adding and removing", State: contract.NotChecked,
		Text: "that M adds an add-on which is not on a registration yet, and what it counts when it is, " +
			"only M itself shows; so with N for removing: try both with a test user",
	},
	{
		Subject: "registering", State: contract.NotChecked,
		Text: "that R registers for a package, and that the package is open and has room, only R itself shows",
	},
}

// answer is the result of a call of one opcode.
type answer struct {
	came bool // Notified answered about the opcode; the answer is in step
	// badShow says that Notified refused the whole call for its show key, as another module is known to. It
	// has looked at the credentials before.
	badShow bool
	step    Step
	err     *outbox.DeliveryError // nil for status 0 and readable outputs
}

func (c *Client) query(ctx context.Context, code string, p Person, show int64) answer {
	steps, err := c.Chain(ctx, Chain{OpCodes: code, Person: p, ShowKey: show})
	a := answer{came: len(steps) > 0}
	if a.came {
		a.step = steps[0]
	}
	a.err, _ = errors.AsType[*outbox.DeliveryError](err)
	a.badShow = a.err != nil && strings.HasPrefix(a.err.Code, callResult) &&
		strings.Contains(strings.ToLower(a.err.Reason), "invalid show key")
	return a
}

// is tells whether Notified answered with this status.
func (a answer) is(status int) bool { return a.came && a.step.Status == status }

// busy tells whether the platform did not look at the call.
func (a answer) busy() bool {
	return a.err != nil && (a.err.Outcome == outbox.OutcomeThrottled ||
		a.err.Outcome == outbox.OutcomeUnavailable && !a.err.Tentative)
}

// credentials returns what the answer about nobody shows about the credentials.
func (a answer) credentials() contract.Finding {
	if a.came {
		return contract.Finding{
			Subject: "credentials", State: contract.Good,
			Text: "they are taken: asked about a user who does not exist, Notified answers with status " +
				strconv.Itoa(a.step.Status),
		}
	}
	if a.badShow {
		return contract.Finding{
			Subject: "credentials", State: contract.Good, Text: "they are taken: Notified complains of the show key alone",
		}
	}
	failedCall := func(how string) bool { return strings.HasPrefix(a.err.Code, how) }
	switch {
	case a.busy():
		return contract.Finding{
			Subject: "credentials", State: contract.NotChecked,
			Text: "the platform is busy or down; try again later: " + a.err.Error(),
		}
	case a.err.Outcome == outbox.OutcomeUnauthorized:
		return contract.Finding{
			Subject: "credentials", State: contract.Wrong,
			Text: "they are refused; are they complete, and does the account lie in this data centre? " +
				a.err.Error(),
		}
	case failedCall(rootFailed), failedCall(rootStatus), failedCall(callResult):
		return contract.Finding{
			Subject: "API", State: contract.Wrong, Text: "it refuses the call as a whole: " + a.err.Error(),
		}
	}
	return contract.Finding{
		Subject: "API", State: contract.Wrong,
		Text: "what answers there is not Notified's API; is BaseURL right? " + a.err.Error(),
	}
}

// checkShow returns what Notified shows about the keys. first is the answer about nobody.
func (c *Client) checkShow(ctx context.Context, cfg CheckConfig, first answer) []contract.Finding {
	if cfg.ShowKey <= 0 {
		return []contract.Finding{{Subject: "show key", State: contract.NotChecked, Text: "none was given"}}
	}
	show := contract.Finding{Subject: fmt.Sprint("show key ", cfg.ShowKey), State: contract.NotChecked}
	const noEvent = "there is no such event in this account: "
	if first.is(statusNoEvent) {
		show.State, show.Text = contract.Wrong, noEvent+first.err.Error()
		return []contract.Finding{show}
	}
	if cfg.KnownUser == (Person{}) {
		show.Text = "the show, its packages and add-ons are seen only on a registration: " +
			"name a known user who has one"
		return []contract.Finding{show}
	}
	a := c.query(ctx, "K", cfg.KnownUser, cfg.ShowKey)
	if a.is(statusNoEvent) {
		show.State, show.Text = contract.Wrong, noEvent+a.err.Error()
		return []contract.Finding{show}
	}
	user := contract.Finding{Subject: "known user", State: contract.Wrong}
	if a.is(statusOK) {
		show.State, show.Text = contract.Good, "Notified knows it, and the known user's registration"
		user.State, user.Text = contract.Good, "they are registered for the show"
		if a.err != nil {
			return []contract.Finding{show, user, wrongNames(a)}
		}
		return append([]contract.Finding{show, user}, c.checkRegistration(ctx, cfg, a.step.ShowPackageKey)...)
	}
	show.Text = "it was not seen, since the known user is not on it"
	bad, notAsked := errors.AsType[*amsbridge.InputError](a.err)
	switch {
	case a.is(statusUserNotFound):
		user.Text = "Notified does not know them; " +
			"is it the ExternalUserID, or with LookupByEmail the address, that the account has?"
	case a.is(statusNotRegistered):
		user.Text = "Notified knows them, but no registration of theirs for this show; is the show key right?"
	case notAsked:
		user.Text = "they cannot be asked about: " + bad.Field + " " + bad.Problem
	default:
		user.State, user.Text = contract.NotChecked, "the answer about them shows nothing: "+a.err.Error()
	}
	return []contract.Finding{show, user}
}

// wrongNames returns the finding of an answer with status 0 whose outputs cannot be read.
func wrongNames(a answer) contract.Finding {
	return contract.Finding{Subject: "output names", State: contract.Wrong, Text: a.err.Error()}
}

// checkRegistration compares a registration for this package with the expected one.
func (c *Client) checkRegistration(
	ctx context.Context, cfg CheckConfig, registered int64,
) []contract.Finding {
	var all []contract.Finding
	if cfg.ShowPackageKey != 0 {
		f := contract.Finding{
			Subject: fmt.Sprint("show package key ", cfg.ShowPackageKey), State: contract.Good,
			Text: "the known user is registered for it",
		}
		if registered != cfg.ShowPackageKey {
			f.State = contract.Wrong
			f.Text = fmt.Sprintf("the known user is registered for %d instead; "+
				"is the key right, or do they have another package?", registered)
		}
		all = append(all, f)
	}
	if len(cfg.AddOnKeys) == 0 {
		return all
	}
	a := c.query(ctx, "A", cfg.KnownUser, cfg.ShowKey)
	switch {
	case a.err != nil && a.is(statusOK):
		return append(all, wrongNames(a))
	case a.err != nil:
		return append(all, contract.Finding{
			Subject: "add-on keys", State: contract.NotChecked,
			Text: "the list of add-ons was not had: " + a.err.Error(),
		})
	}
	for _, key := range unique(cfg.AddOnKeys) {
		f := contract.Finding{
			Subject: fmt.Sprint("add-on key ", key), State: contract.Good,
			Text: "it is on the known user's registration",
		}
		if !slices.Contains(a.step.AddOns, key) {
			f.State = contract.NotChecked
			f.Text = "it is not on the known user's registration; " +
				"whether the package has it, only adding it shows"
		}
		all = append(all, f)
	}
	return all
}
