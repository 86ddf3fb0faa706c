package amsbridge

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// PullCookie is the cookie in which a platform finds a pull session. It lies on
// the parent domain of shop and platform, is Secure and HttpOnly, and its
// SameSite is Lax: both are sub-domains of one site. By its scope it is read by
// every host below the domain, which must all be trusted.
type PullCookie struct {
	// Name begins with "__Secure-", which has the browser insist on Secure; not
	// with "__Host-", which allows no parent domain. Required.
	Name string
	// Domain is the parent domain, such as "example.org", without a dot before
	// it. Required.
	Domain string
}

// problem says why a platform at that URL would never see the cookie.
func (c PullCookie) problem(platform string) string {
	u, err := url.Parse(platform)
	switch {
	case !strings.HasPrefix(c.Name, "__Secure-") || len(c.Name) > 64 || notToken(c.Name):
		return "has no name that begins with __Secure-"
	case c.Domain == "" || strings.HasPrefix(c.Domain, ".") || strings.ContainsFunc(c.Domain, notInHost) || !strings.Contains(c.Domain, "."):
		return "has no parent domain such as example.org"
	case err != nil || u.Scheme != "https" || u.Hostname() != c.Domain && !strings.HasSuffix(u.Hostname(), "."+c.Domain):
		return "has a domain which the platform's URL does not lie in, by https"
	}
	return ""
}

func (c PullCookie) with(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: c.Name, Value: value, Domain: c.Domain, Path: "/", MaxAge: maxAge,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// renewAfter is the share of a session's lifetime after which it is renewed.
const renewAfter = 2

// Session is middleware for the shop's own pages: it gives signed-in members
// the pull sessions of all platforms that are reached by cookie, renews them
// when half their time is over, and takes them back from who is signed out. It
// changes nothing on requests that are no navigation, and never fails one.
func (h *HandOffs) Session(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isNavigation(r) {
			h.renew(w, r)
		}
		next.ServeHTTP(w, r)
	})
}

func (h *HandOffs) renew(w http.ResponseWriter, r *http.Request) {
	for _, p := range h.cfg.Platforms {
		p = h.platforms[p.Name]
		if p.Way != ByCookie {
			continue
		}
		old, err := r.Cookie(p.Cookie.Name)
		had := err == nil && old.Value != ""
		user, err := h.cfg.CurrentUser(r)
		if err != nil {
			if had {
				http.SetCookie(w, p.Cookie.with("", -1))
			}
			continue
		}
		id, err := h.cfg.SessionID(r)
		if err != nil || had && h.fresh(p, old.Value, user.ID, id) {
			continue
		}
		// What fails is in the audit; the page itself has nothing to do with it.
		_ = h.cookieFor(r.Context(), w, p, user.ID, id)
	}
}

// fresh tells whether a cookie is this session's and still young. It is not
// verified: a forged one costs its owner nothing but the renewal.
func (h *HandOffs) fresh(p Platform, token string, user UserID, sessionID string) bool {
	if len(token) > MaxToken || strings.Count(token, ".") != 2 {
		return false
	}
	_, claims, err := segments(token)
	if err != nil {
		return false
	}
	o, err := flatObject(claims, append(commonClaims[:len(commonClaims):len(commonClaims)], claimSessionID)...)
	if err != nil {
		return false
	}
	issued, ok := seconds(o[claimIssuedAt])
	a := h.cfg.SSO.audiences[p.Name]
	age := h.cfg.Now().Sub(issued)
	return ok && o[claimSubject] == string(user) && o[claimSessionID] == sessionID && o[claimAudience] == a.value &&
		age > -time.Minute && age < a.session/renewAfter
}

// notToken finds what the names of cookies and parameters may not have.
func notToken(s string) bool {
	return s == "" || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") != ""
}
