package amsbridge

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// Parameters of [HandOffs.Start].
const (
	paramTo       = "to"
	paramProduct  = "product"
	paramReturnTo = "return_to"
	paramState    = "state"
	paramNonce    = "nonce"
	paramBack     = "back"
)

// maxState is the longest state that a platform gets back, in bytes.
const maxState = 512

// wayBackLasts is how long a member may take to sign in.
const wayBackLasts = time.Hour

// Start hands the signed-in member to a platform. It answers GET, with the
// query parameters:
//
//   - to: the platform's Name.
//   - product: the shop's product ID, where one is meant. While its push is on
//     its way the member sees a page that says so and loads itself again; a
//     push that needs a person shows that.
//   - return_to: the page at the platform; see [Audience].
//   - state, nonce: what a platform that started the hand-off gave: the state
//     comes back beside the token, at most 512 bytes, the nonce within it.
//
// Who is signed out is sent to SignIn first. HEAD, prefetches, previews, frames
// and images mint nothing. Every answer is no-store and no-referrer.
func (h *HandOffs) Start() http.Handler { return http.HandlerFunc(h.start) }

// handOff is a hand-off under way.
type handOff struct {
	platform Platform
	user     User
	query    url.Values
	product  Product
}

func (h *HandOffs) start(w http.ResponseWriter, r *http.Request) {
	closed(w.Header())
	if !allow(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	p, known := h.platforms[query.Get(paramTo)]
	switch {
	case err != nil || !known:
		h.problem(w, http.StatusNotFound, "There is nothing here", "This link leads to no platform of ours.")
		return
	case !isNavigation(r): // nothing is minted for what nobody looks at
		w.WriteHeader(http.StatusNoContent)
		return
	case !h.perAddr.allows(h.cfg.Address(r)):
		h.refuse(r.Context(), p, "", "too many hand-offs from one address")
		h.tooMany(w)
		return
	case len(query.Get(paramState)) > maxState || textProblem(query.Get(paramState)+"x", 2*maxState) != "":
		h.problem(w, http.StatusBadRequest, "This link does not work", "Its state is not one that we give back.")
		return
	}
	user, err := h.cfg.CurrentUser(r)
	switch {
	case errors.Is(err, ErrSignedOut):
		h.signIn(w, r)
		return
	case err != nil:
		h.refuse(r.Context(), p, "", "the look-up of the member failed")
		h.retry(w, r, p)
		return
	case user.ID.problem() != "":
		h.refuse(r.Context(), p, "", "the member's user ID "+user.ID.problem())
		h.problem(w, http.StatusForbidden, "We cannot take you there", "Your account has no ID that "+p.Title+" knows. Please ask us.")
		return
	case !h.perUser.allows(string(user.ID)):
		h.refuse(r.Context(), p, user.ID, "too many hand-offs of one member")
		h.tooMany(w)
		return
	}
	h.walk(w, r, handOff{platform: p, user: user, query: query})
}

// walk looks whether the platform knows of the purchase, and hands over.
func (h *HandOffs) walk(w http.ResponseWriter, r *http.Request, to handOff) {
	ctx, p := r.Context(), to.platform
	if id := to.query.Get(paramProduct); id != "" && h.cfg.Catalog != nil {
		product, offering, err := h.cfg.Catalog.Lookup(ctx, id)
		if err != nil {
			h.refuse(ctx, p, to.user.ID, "the catalogue failed")
			h.retry(w, r, p)
			return
		}
		if offering == Offered {
			to.product = product
		}
	}
	state, err := h.standing(ctx, to)
	switch {
	case err != nil:
		h.refuse(ctx, p, to.user.ID, "the look-up of the registration failed")
		h.retry(w, r, p)
	case state == PlaceQueued:
		h.refuse(ctx, p, to.user.ID, "the registration is still queued")
		h.waiting(w, r, p)
	case state == PlaceNeedsAttention:
		h.refuse(ctx, p, to.user.ID, "the registration needs a person")
		h.problem(w, http.StatusOK, "We are looking after your registration",
			"Something about it needs one of us. We have been told, and you need not order again.")
	default:
		h.hand(w, r, to)
	}
}

// standing is where the product's push stands; delivered where there is none,
// or none to look for: then the platform knows best.
func (h *HandOffs) standing(ctx context.Context, to handOff) (PlaceState, error) {
	p := to.platform
	if p.Destination == "" || to.product.ID == "" {
		return PlaceDelivered, nil
	}
	places, err := h.cfg.Standing.Of(ctx, to.user.ID)
	if err != nil {
		return "", err
	}
	places = slices.DeleteFunc(places, func(place Place) bool { return place.Destination != p.Destination })
	held, _ := holdingOf(places, to.product)
	return held.state, nil
}

// signIn sends a member to the shop's sign-in page, with a signed way back.
func (h *HandOffs) signIn(w http.ResponseWriter, r *http.Request) {
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

// WayBack returns where a member wanted to go who was sent to sign in: a path
// and query of this site, from the parameter "back" of the request's query or
// form, if we signed it within the hour. The shop redirects there once the
// member has signed in, and to a page of its own where ok is false.
func (h *HandOffs) WayBack(r *http.Request) (path string, ok bool) {
	path, ok = h.state.open(forWayBack, r.FormValue(paramBack))
	if !ok || localPath(path) == "" {
		return "", false
	}
	return localPath(path), true
}

func (h *HandOffs) refuse(ctx context.Context, p Platform, user UserID, reason string) {
	kind := kindHandOff
	switch p.Way {
	case ByTicket:
		kind = kindTicket
	case ByCookie:
		kind = kindSession
	}
	h.cfg.Audit(ctx, SSOEvent{Time: h.cfg.Now(), Action: SSORefused, Kind: kind, Audience: p.Name, UserID: user, Reason: reason})
}

func (h *HandOffs) problem(w http.ResponseWriter, status int, title string, text ...string) {
	h.pages.write(w, status, Page{Name: "problem", Title: title, Text: text}, false)
}

func (h *HandOffs) tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "60")
	h.problem(w, http.StatusTooManyRequests, "Please wait a minute", "There were too many attempts.")
}

// retry offers the same link again: nothing is known of the cause that would
// help the member.
func (h *HandOffs) retry(w http.ResponseWriter, r *http.Request, p Platform) {
	h.pages.write(w, http.StatusServiceUnavailable, Page{
		Name: "problem", Title: p.Title + " cannot be reached just now",
		Text:  []string{"Nothing is lost. Please try again in a moment."},
		Links: []PageLink{{URL: ownURL(r), Text: "Try again"}},
	}, false)
}

// refreshAfter is how often the waiting page loads itself again, in seconds.
const refreshAfter = 5

func (h *HandOffs) waiting(w http.ResponseWriter, r *http.Request, p Platform) {
	w.Header().Set("Retry-After", strconv.Itoa(refreshAfter))
	h.pages.write(w, http.StatusOK, Page{
		Name: "waiting", Title: "We are finishing your registration",
		Text:    []string{"It is on its way to " + p.Title + ". This page looks again by itself, every few seconds."},
		Refresh: refreshAfter,
		Links:   []PageLink{{URL: ownURL(r), Text: "Look again now"}},
	}, false)
}

// notYet tells whether a platform said that it does not know the member yet.
func notYet(err error) bool {
	var d *outbox.DeliveryError
	return errors.As(err, &d) && d.Outcome == outbox.OutcomeNotReady
}
