package amsbridge

import (
	"errors"
	"net/http"
	"time"
)

const paramProof = "proof"

// signOutLasts is how long a sign-out form serves.
const signOutLasts = time.Hour

// SignOut ends a member's session. GET shows a page with a button, on which
// nothing has happened yet; POST, with the form that this page or
// [HandOffs.SignOutProof] gave, calls EndSession, takes the pull sessions'
// cookies back and redirects to SignedOut. A form of another member, or of
// another site, ends nothing. Pull sessions end with the shop's own, since each
// validation asks for it.
func (h *HandOffs) SignOut() http.Handler { return http.HandlerFunc(h.signOut) }

// SignOutProof returns the value of the field "proof" for a sign-out form of
// the shop's own, for the signed-in member. It serves for an hour.
func (h *HandOffs) SignOutProof(user UserID) string {
	return h.state.sign(forSignOut, string(user), signOutLasts)
}

func (h *HandOffs) signOut(w http.ResponseWriter, r *http.Request) {
	closed(w.Header())
	if !allow(w, r, http.MethodGet, http.MethodHead, http.MethodPost) {
		return
	}
	user, err := h.cfg.CurrentUser(r)
	switch {
	case errors.Is(err, ErrSignedOut):
		h.takeBack(w)
		http.Redirect(w, r, h.cfg.SignedOut, http.StatusSeeOther)
		return
	case err != nil:
		h.problem(w, http.StatusServiceUnavailable, "That did not work", "Please try again in a moment.")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	proof, ok := h.state.open(forSignOut, r.PostFormValue(paramProof))
	if r.Method != http.MethodPost || !ok || proof != string(user.ID) {
		status := http.StatusOK
		if r.Method == http.MethodPost {
			status = http.StatusForbidden
		}
		h.pages.write(w, status, Page{
			Name: "signout", Title: "Sign out?", Text: []string{"You will be signed out here and at the platforms that ask us."},
			Form: &PageForm{Action: ownURL(r), Fields: []PageField{{paramProof, h.SignOutProof(user.ID)}}, Button: "Sign out"},
		}, false)
		return
	}
	if h.cfg.EndSession != nil {
		if err := h.cfg.EndSession(w, r); err != nil {
			h.problem(w, http.StatusServiceUnavailable, "You are still signed in", "Please try again in a moment.")
			return
		}
	}
	h.takeBack(w)
	h.cfg.Audit(r.Context(), SSOEvent{Time: h.cfg.Now(), Action: SSOSignedOut, Kind: kindSession, UserID: user.ID})
	http.Redirect(w, r, h.cfg.SignedOut, http.StatusSeeOther)
}

func (h *HandOffs) takeBack(w http.ResponseWriter) {
	for _, p := range h.platforms {
		if p.Way == ByCookie {
			http.SetCookie(w, p.Cookie.with("", -1))
		}
	}
}
