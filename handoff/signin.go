package handoff

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/internal/web"
)

// paramBack is the parameter of the sign-in page that holds the signed way back.
const paramBack = "back"

// wayBackLasts is how long a signed way back is accepted: the time that a member has to sign in.
const wayBackLasts = time.Hour

// signIn sends a member to the shop's sign-in page, with a signed way back.
func (h *Handlers) signIn(w http.ResponseWriter, r *http.Request) {
	u, err := url.Parse(h.cfg.SignIn)
	if err != nil {
		h.problem(w, http.StatusInternalServerError, "Something went wrong", "Please try again.")
		return
	}
	q := u.Query()
	q.Set(paramBack, h.state.sign(forWayBack, ownURL(r), wayBackLasts))
	u.RawQuery = q.Encode()
	http.Redirect(w, r, u.String(), http.StatusSeeOther)
}

// WayBack returns the page that a member wanted before being sent to sign in: a path of this site, with the
// parameters of [Handlers.Start] and none that others added. It reads the parameter "back" of the request's query
// or form, which this shop must have signed within the last hour. The shop redirects there after the sign-in, and
// to a page of its own where ok is false.
func (h *Handlers) WayBack(r *http.Request) (target string, ok bool) {
	target, ok = h.state.open(forWayBack, r.FormValue(paramBack))
	path, _, _ := strings.Cut(target, "?")
	if !ok || web.LocalPath(path) == "" {
		return "", false
	}
	return target, true
}
