package handoff

import (
	"errors"
	"net/http"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/pages"
)

// paramProof is the field of a sign-out form that proves to whom it was shown.
const paramProof = "proof"

// signOutLasts is how long a sign-out form is accepted.
const signOutLasts = time.Hour

// SignOut returns the handler that signs a member out. GET shows a page with a button and ends nothing
// yet. POST, with that page's form or one that holds [Handlers.SignOutProof], calls EndSession, deletes
// the cookies of pull sessions and redirects to SignedOut. A form shown to another member, or made by
// another site, ends nothing. Pull sessions end with the shop's own session, since each validation asks
// for it.
//
// Whoever is signed out already is redirected too; their cookies are deleted only where a page of the shop
// or the person alone began the navigation.
func (h *Handlers) SignOut() http.Handler { return http.HandlerFunc(h.signOut) }

// SignOutProof returns the value of the field "proof" for the shop's own sign-out form, for the
// signed-in member. It is accepted for an hour.
func (h *Handlers) SignOutProof(user amsbridge.UserID) string {
	return h.state.sign(forSignOut, string(user), signOutLasts)
}

func (h *Handlers) signOut(w http.ResponseWriter, r *http.Request) {
	web.Private(w.Header())
	if !web.Allow(w, r, http.MethodGet, http.MethodHead, http.MethodPost) {
		return
	}
	user, err := h.cfg.CurrentUser(r)
	switch {
	case errors.Is(err, amsbridge.ErrSignedOut):
		// A request from another site may lack the shop's own cookie: it proves nothing.
		if web.FromOwnPage(r) {
			h.deleteCookies(w)
		}
		http.Redirect(w, r, h.cfg.SignedOut, http.StatusSeeOther)
		return
	case err != nil:
		h.problem(w, http.StatusServiceUnavailable, "That did not work", "Please try again in a moment.")
		return
	}
	if r.Method != http.MethodPost {
		h.askSignOut(w, r, http.StatusOK, user.ID)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if proof, ok := h.state.open(forSignOut, r.PostFormValue(paramProof)); !ok || proof != string(user.ID) {
		h.askSignOut(w, r, http.StatusForbidden, user.ID)
		return
	}
	if h.cfg.EndSession != nil {
		if err := h.cfg.EndSession(w, r); err != nil {
			h.problem(w, http.StatusServiceUnavailable, "You are still signed in", "Please try again in a moment.")
			return
		}
	}
	h.deleteCookies(w)
	h.cfg.Audit(r.Context(), amsbridge.SSOEvent{
		Time: h.cfg.Now(), Action: amsbridge.SSOSignedOut, Kind: ssotoken.Session, UserID: user.ID,
	})
	http.Redirect(w, r, h.cfg.SignedOut, http.StatusSeeOther)
}

// askSignOut shows the page with the button.
func (h *Handlers) askSignOut(w http.ResponseWriter, r *http.Request, status int, user amsbridge.UserID) {
	h.pages.Write(w, status, pages.Page{
		Name: "signout", Title: "Sign out?",
		Text: []string{"You will be signed out here and at the platforms that ask us."},
		Form: &pages.Form{
			Action: web.OwnPath(r), Button: "Sign out",
			Fields: []pages.Field{{Name: paramProof, Value: h.SignOutProof(user)}},
		},
	})
}
