package handoff

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/pages"
)

// handOver hands a member over in the platform's way. Whatever comes of it counts towards the member's limit,
// but for a page that waits and looks again by itself.
func (h *Handlers) handOver(w http.ResponseWriter, r *http.Request, to handOff) {
	if to.platform.Way == ByTicket {
		h.byTicket(w, r, to)
		return
	}
	if !h.perUser.Allow(string(to.user.ID)) { // another request was faster
		h.tooMany(w)
		return
	}
	if to.platform.Way == ByCookie {
		h.byCookie(w, r, to)
		return
	}
	h.byToken(w, r, to)
}

// byToken sends the member to the platform with a signed token, in a form or in
// the query.
func (h *Handlers) byToken(w http.ResponseWriter, r *http.Request, to handOff) {
	p := to.platform
	token, err := h.cfg.SSO.HandOff(r.Context(), amsbridge.HandOffRequest{
		Audience: p.Name, User: to.user, ReturnTo: to.query.Get(paramReturnTo), Nonce: to.query.Get(paramNonce),
	})
	if err != nil {
		h.notSigned(w, r, p, err)
		return
	}
	fields := []pages.Field{{Name: p.TokenParam, Value: token}}
	if state := to.query.Get(paramState); state != "" {
		fields = append(fields, pages.Field{Name: paramState, Value: state})
	}
	if p.Way == ByQuery {
		http.Redirect(w, r, withQuery(p.URL, fields), http.StatusSeeOther)
		return
	}
	h.pages.WriteForm(w, pages.Page{
		Name: "handoff", Title: "On to " + p.Title, Text: []string{"You are signed in there as well."},
		Form: &pages.Form{Action: p.URL, Fields: fields, Button: "Continue to " + p.Title},
	}, p.TellOrigin)
}

// withQuery adds the fields to the query of a URL that [New] has checked.
func withQuery(base string, fields []pages.Field) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	q := u.Query()
	for _, f := range fields {
		q.Set(f.Name, f.Value)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// byCookie gives the browser a pull session and sends it to the platform's page.
func (h *Handlers) byCookie(w http.ResponseWriter, r *http.Request, to handOff) {
	p := to.platform
	id, err := h.cfg.SessionID(r)
	if err != nil {
		h.refuse(r.Context(), p, to.user.ID, "the look-up of the session failed")
		h.retry(w, r, p)
		return
	}
	if err := h.setCookie(r.Context(), w, p, to.user.ID, id); err != nil {
		h.notSigned(w, r, p, err)
		return
	}
	target := h.cfg.SSO.ReturnTarget(p.Name, to.query.Get(paramReturnTo))
	http.Redirect(w, r, resolved(p.URL, target), http.StatusSeeOther)
}

// byTicket fetches a login ticket, which is valid for a minute, and redirects to it.
func (h *Handlers) byTicket(w http.ResponseWriter, r *http.Request, to handOff) {
	ctx, p := r.Context(), to.platform
	if to.product.ShowKey == 0 {
		h.refuse(ctx, p, to.user.ID, "the request names no product of the platform")
		h.noProduct(w, p)
		return
	}
	if !h.tickets.Allow(string(to.user.ID)) { // counted before the call, so that many at once are not all made
		h.refuse(ctx, p, to.user.ID, "the platform was asked often enough for a minute")
		h.waiting(w, r, p)
		return
	}
	target, err := p.Tickets.MintTicket(ctx, to.user.ID, to.product)
	if err != nil && notYet(err) {
		h.refuse(ctx, p, to.user.ID, "the platform does not know the registration yet")
		h.waiting(w, r, p)
		return
	}
	h.perUser.Allow(string(to.user.ID)) // it was within the limit when the platform was asked
	switch {
	case err != nil && lasting(err):
		h.refuse(ctx, p, to.user.ID, "no ticket can be asked for")
		h.cannot(w, p.Title+" does not let you in")
	case err != nil:
		h.refuse(ctx, p, to.user.ID, "the platform gave no ticket")
		h.retry(w, r, p)
	case !web.SecureURL(target):
		h.refuse(ctx, p, to.user.ID, "the ticket's URL is not https")
		h.retry(w, r, p)
	default:
		h.cfg.Audit(ctx, amsbridge.SSOEvent{
			Time: h.cfg.Now(), Action: amsbridge.SSOMinted, Kind: ssotoken.Ticket,
			Audience: p.Name, UserID: to.user.ID,
		})
		http.Redirect(w, r, target, http.StatusFound) // the status that the vendor's page asks for
	}
}

// resolved returns a return target as a URL at the platform.
func resolved(base, target string) string {
	b, err1 := url.Parse(base)
	t, err2 := url.Parse(target)
	if err1 != nil || err2 != nil || target == "" {
		return base
	}
	return b.ResolveReference(t).String()
}

// notYet tells whether the platform answered that it does not know the member yet.
func notYet(err error) bool {
	d, ok := errors.AsType[*outbox.DeliveryError](err)
	return ok && d.Outcome == outbox.OutcomeNotReady
}

// lasting tells whether the next try would end alike: the platform's client cannot even ask for this member. What
// the platform itself refuses may pass: it learns of people, and credentials are mended.
func lasting(err error) bool {
	_, bad := errors.AsType[*amsbridge.InputError](err)
	return bad
}
