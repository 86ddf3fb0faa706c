package handoff

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/web"
)

// PullCookie is the cookie in which a platform finds a pull session. It is set on the parent domain of
// shop and platform, with Secure, HttpOnly and SameSite=Lax, which works since both are sub-domains of
// one site. Every host below that domain can read it and must be trusted.
type PullCookie struct {
	// Name begins with "__Secure-", with which browsers require Secure. The stricter "__Host-" would
	// allow no parent domain. Required.
	Name string
	// Domain is the parent domain, such as "example.org", without a leading dot.
	// Required.
	Domain string
}

// problem returns the bad field of a cookie that a platform at that URL could not read, and why.
func (c PullCookie) problem(platform string) (field, problem string) {
	u, err := url.Parse(platform)
	switch {
	case !strings.HasPrefix(c.Name, "__Secure-"):
		return "Cookie.Name", "does not begin with __Secure-"
	case check.Name(c.Name, 64) != "":
		return "Cookie.Name", check.Name(c.Name, 64)
	case strings.HasPrefix(c.Domain, "."), !strings.Contains(c.Domain, "."),
		strings.ContainsFunc(c.Domain, web.NotInHost):
		return "Cookie.Domain", "is not a parent domain such as example.org"
	case err != nil, u.Scheme != "https", !strings.HasSuffix("."+u.Hostname(), "."+c.Domain):
		return "Cookie.Domain", "is not one that the platform's https URL lies in"
	}
	return "", ""
}

// with returns the cookie with a value; a negative age deletes it.
func (c PullCookie) with(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: c.Name, Value: value, Domain: c.Domain, Path: "/", MaxAge: maxAge,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// Session is middleware for the shop's own pages. It gives signed-in members the pull sessions of all
// platforms that are reached [ByCookie], and renews each when half its lifetime is over or when the key that
// signed it is no longer accepted, at most PerUser times a minute. It acts only on navigations, and never makes a
// request fail.
//
// It deletes the cookies of a browser for which CurrentUser answers [amsbridge.ErrSignedOut], where a page of
// the shop or the person alone began the navigation: from elsewhere the browser may have kept the shop's
// own cookie back. Any other error of CurrentUser changes nothing.
//
// An answer with which a cookie is set or deleted is made "private, no-store" with "Vary: Cookie", whatever
// the page says of itself.
func (h *Handlers) Session(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !web.IsNavigation(r) || !h.renew(w, r) {
			next.ServeHTTP(w, r)
			return
		}
		personal := &personalWriter{ResponseWriter: w}
		defer personal.seal() // for a page that writes nothing, or panics
		next.ServeHTTP(personal, r)
	})
}

// renew gives, renews or deletes the pull session of each platform, and tells whether it did.
func (h *Handlers) renew(w http.ResponseWriter, r *http.Request) (changed bool) {
	for _, p := range h.cfg.Platforms {
		if p.Way != ByCookie {
			continue
		}
		old, err := r.Cookie(p.Cookie.Name)
		had := err == nil && old.Value != ""
		user, err := h.cfg.CurrentUser(r)
		if err != nil {
			if had && errors.Is(err, amsbridge.ErrSignedOut) && web.FromOwnPage(r) {
				put(w, p.Cookie.with("", -1))
				changed = true
			}
			continue
		}
		id, err := h.cfg.SessionID(r)
		if err != nil || had && h.cfg.SSO.FreshSession(p.Name, old.Value, user.ID, id) {
			continue
		}
		if !h.sessions.Allow(p.Name + "\n" + string(user.ID)) { // a browser that keeps no cookie asks with every page
			continue
		}
		// A failure is in the audit, and must not make the page fail.
		changed = h.setCookie(r.Context(), w, p, user.ID, id) == nil || changed
	}
	return changed
}

// setCookie gives the browser a pull session.
func (h *Handlers) setCookie(
	ctx context.Context, w http.ResponseWriter, p Platform, user amsbridge.UserID, sessionID string,
) error {
	token, err := h.cfg.SSO.Session(ctx, p.Name, user, sessionID)
	if err != nil {
		return err
	}
	put(w, p.Cookie.with(token, int(h.cfg.SSO.SessionLifetime(p.Name).Seconds())))
	return nil
}

// put sends a cookie with an answer that no cache keeps.
func put(w http.ResponseWriter, c *http.Cookie) {
	http.SetCookie(w, c)
	web.OnePerson(w.Header())
}

// deleteCookies deletes the pull sessions of all platforms from the browser.
func (h *Handlers) deleteCookies(w http.ResponseWriter) {
	for _, p := range h.cfg.Platforms {
		if p.Way == ByCookie {
			put(w, p.Cookie.with("", -1))
		}
	}
}
