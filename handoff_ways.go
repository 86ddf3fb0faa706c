package amsbridge

import (
	"context"
	"net/http"
	"net/url"
)

// hand hands a member over, in the platform's way.
func (h *HandOffs) hand(w http.ResponseWriter, r *http.Request, to handOff) {
	p := to.platform
	switch p.Way {
	case ByTicket:
		h.byTicket(w, r, to)
		return
	case ByCookie:
		if err := h.setCookie(w, r, p, to.user.ID); err != nil {
			h.retry(w, r, p)
			return
		}
		target := h.cfg.SSO.audiences[p.Name].returns.target(to.query.Get(paramReturnTo))
		http.Redirect(w, r, resolved(p.URL, target), http.StatusSeeOther)
		return
	}
	token, err := h.cfg.SSO.HandOff(r.Context(), HandOffRequest{
		Audience: p.Name, User: to.user, ReturnTo: to.query.Get(paramReturnTo), Nonce: to.query.Get(paramNonce),
	})
	if err != nil {
		h.retry(w, r, p)
		return
	}
	fields := []PageField{{p.TokenParam, token}}
	if state := to.query.Get(paramState); state != "" {
		fields = append(fields, PageField{paramState, state})
	}
	if p.Way == ByQuery {
		u, err := url.Parse(p.URL)
		if err != nil {
			h.retry(w, r, p)
			return
		}
		q := u.Query()
		for _, f := range fields {
			q.Set(f.Name, f.Value)
		}
		u.RawQuery = q.Encode()
		http.Redirect(w, r, u.String(), http.StatusSeeOther)
		return
	}
	h.pages.write(w, http.StatusOK, Page{
		Name: "handoff", Title: "On to " + p.Title, Text: []string{"You are signed in there as well."},
		Form: &PageForm{Action: p.URL, Fields: fields, Button: "Continue to " + p.Title},
	}, true)
}

// byTicket fetches a ticket now, for it lives a minute, and redirects to it.
func (h *HandOffs) byTicket(w http.ResponseWriter, r *http.Request, to handOff) {
	ctx, p := r.Context(), to.platform
	if to.product.ShowKey == 0 {
		h.refuse(ctx, p, to.user.ID, "the request names no product of the platform")
		h.problem(w, http.StatusNotFound, "There is nothing here", "This link leads to no event of "+p.Title+".")
		return
	}
	target, err := p.Tickets.MintTicket(ctx, to.user.ID, to.product)
	switch {
	case err != nil && notYet(err):
		h.refuse(ctx, p, to.user.ID, "the platform does not know the registration yet")
		h.waiting(w, r, p)
	case err != nil:
		h.refuse(ctx, p, to.user.ID, "the platform gave no ticket")
		h.retry(w, r, p)
	case !secureURL(target):
		h.refuse(ctx, p, to.user.ID, "the ticket's URL is not https")
		h.retry(w, r, p)
	default:
		h.cfg.Audit(ctx, SSOEvent{Time: h.cfg.Now(), Action: SSOMinted, Kind: kindTicket, Audience: p.Name, UserID: to.user.ID})
		http.Redirect(w, r, target, http.StatusFound) // as the vendor's page asks for
	}
}

// setCookie gives the browser a pull session.
func (h *HandOffs) setCookie(w http.ResponseWriter, r *http.Request, p Platform, user UserID) error {
	id, err := h.cfg.SessionID(r)
	if err != nil {
		h.refuse(r.Context(), p, user, "the look-up of the session failed")
		return err
	}
	return h.cookieFor(r.Context(), w, p, user, id)
}

func (h *HandOffs) cookieFor(ctx context.Context, w http.ResponseWriter, p Platform, user UserID, sessionID string) error {
	token, err := h.cfg.SSO.Session(ctx, p.Name, user, sessionID)
	if err != nil {
		return err
	}
	http.SetCookie(w, p.Cookie.with(token, int(h.cfg.SSO.audiences[p.Name].session.Seconds())))
	return nil
}

// resolved is a return target at a platform.
func resolved(base, target string) string {
	b, err1 := url.Parse(base)
	t, err2 := url.Parse(target)
	if err1 != nil || err2 != nil || target == "" {
		return base
	}
	return b.ResolveReference(t).String()
}
