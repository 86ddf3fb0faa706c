package handoff

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/query"
	"github.com/amsbridge/amsbridge/internal/ssotoken"
	"github.com/amsbridge/amsbridge/internal/web"
)

// Parameters of [Handlers.Start].
const (
	paramTo       = "to"
	paramProduct  = "product"
	paramReturnTo = "return_to"
	paramState    = "state"
	paramNonce    = "nonce"
)

// The longest values of parameters, in bytes.
const (
	maxState     = 512 // it is returned to a platform
	maxProductID = 255
)

// Start returns the handler that hands the signed-in member over to a platform. It answers GET, with
// the query parameters:
//
//   - to: the platform's Name. Required.
//   - product: the shop's product ID, optional. While its push is on its way the member sees
//     a page that says so and reloads. If the push needs a person, the page says that.
//   - return_to: the page at the platform that the member asked for; see [amsbridge.Audience]. One that cannot
//     be read leads to the default page.
//   - state: what a platform that started the hand-off gave, at most 512 bytes. It is returned
//     to the platform beside the token.
//   - nonce: the same, but signed within the token.
//
// Other parameters are ignored, whatever they look like. Members who are signed out are sent to SignIn first.
// HEAD, prefetches, previews, frames and images sign nothing, and are refused with a status of no success.
// Every answer is no-store, and no-referrer but for the form where [Platform] says TellOrigin.
func (h *Handlers) Start() http.Handler { return http.HandlerFunc(h.start) }

// handOff is the request of a signed-in member.
type handOff struct {
	platform Platform
	user     amsbridge.User
	query    url.Values
	product  amsbridge.Product // zero where none was named, or it is unknown
}

func (h *Handlers) start(w http.ResponseWriter, r *http.Request) {
	web.Private(w.Header())
	if !web.Allow(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	own, err := readOwn(r)
	p, known := h.platform(own.Get(paramTo))
	switch {
	case err != nil || !known:
		h.problem(w, http.StatusNotFound, "There is nothing here", "This link leads to no platform of ours.")
		return
	case !web.IsNavigation(r): // a token that nobody would use is not signed
		web.RefuseUnseen(w, r)
		return
	case unfit(own, paramProduct, maxProductID):
		h.noProduct(w, p)
		return
	case unfit(own, paramState, maxState), unfit(own, paramNonce, amsbridge.MaxNonce):
		h.problem(w, http.StatusBadRequest, "This link does not work",
			"It comes from "+p.Title+" with something that we cannot give back. Please tell them, or us.")
		return
	}
	user, err := h.cfg.CurrentUser(r)
	switch {
	case errors.Is(err, amsbridge.ErrSignedOut):
		h.signIn(w, r)
	case err != nil:
		h.refuse(r.Context(), p, "", "the look-up of the member failed")
		h.retry(w, r, p)
	case user.ID.Check() != nil:
		h.refuse(r.Context(), p, "", "the member's user ID "+check.Problem(user.ID.Check()))
		h.problem(w, http.StatusForbidden, "We cannot take you there",
			"Your account has no ID that "+p.Title+" knows. Please ask us.")
	default:
		h.handOverWhenDelivered(w, r, handOff{platform: p, user: user, query: own})
	}
}

// readOwn returns the parameters of a request that are ours, without a return target that nobody could ask for. It
// returns an error for a broken escape in another of them.
func readOwn(r *http.Request) (url.Values, error) {
	own, err := query.Read(r.URL.RawQuery, paramTo, paramProduct, paramState, paramNonce)
	if err != nil {
		return nil, err
	}
	target, err := query.Read(r.URL.RawQuery, paramReturnTo)
	if err == nil && !unfit(target, paramReturnTo, web.MaxTarget) {
		own.Set(paramReturnTo, target.Get(paramReturnTo))
	}
	return own, nil
}

// ownURL returns a URL of this site that asks for the same again: the path, and our own parameters. What others
// added may be anything, and is no part of it.
func ownURL(r *http.Request) string {
	own, _ := readOwn(r) // a request whose parameters cannot be read was answered before
	return web.OwnPath(r) + "?" + query.Write(own, paramTo, paramProduct, paramReturnTo, paramState, paramNonce)
}

// unfit tells whether a parameter is there and is not one that can be given back.
func unfit(own url.Values, param string, limit int) bool {
	value := own.Get(param)
	return value != "" && check.Text(value, limit) != ""
}

// handOverWhenDelivered hands a member over once the product's push has arrived at the platform, and
// until then shows a page that says what is missing.
func (h *Handlers) handOverWhenDelivered(w http.ResponseWriter, r *http.Request, to handOff) {
	ctx, p := r.Context(), to.platform
	if id := to.query.Get(paramProduct); id != "" && h.cfg.Catalog != nil {
		product, offering, err := h.cfg.Catalog.Lookup(ctx, id)
		_, bad := errors.AsType[*amsbridge.InputError](err)
		switch {
		case bad: // the catalogue says that this is no product's ID
			h.noProduct(w, p)
			return
		case err != nil:
			h.refuse(ctx, p, to.user.ID, "the catalogue failed")
			h.retry(w, r, p)
			return
		}
		if offering == amsbridge.Offered {
			to.product = product
		}
	}
	state, err := h.standing(ctx, to)
	switch {
	case err != nil:
		h.refuse(ctx, p, to.user.ID, "the look-up of the registration failed")
		h.retry(w, r, p)
	case state == amsbridge.PlaceQueued:
		h.refuse(ctx, p, to.user.ID, "the registration is still queued")
		h.waiting(w, r, p)
	case state == amsbridge.PlaceNeedsAttention:
		h.refuse(ctx, p, to.user.ID, "the registration needs a person")
		h.problem(w, http.StatusOK, "We are looking after your registration",
			"Something about it needs one of us. We have been told, and you need not order again.")
	case !h.perUser.Left(string(to.user.ID)):
		h.refuse(ctx, p, to.user.ID, "too many hand-offs of one member")
		h.tooMany(w)
	default:
		h.handOver(w, r, to)
	}
}

// standing returns the state of the pushes of the product and of what it includes. It is PlaceDelivered
// where there is none, or none to wait for: the platform then decides who may come in.
func (h *Handlers) standing(ctx context.Context, to handOff) (amsbridge.PlaceState, error) {
	p := to.platform
	if p.Destination == "" || to.product.ID == "" {
		return amsbridge.PlaceDelivered, nil
	}
	parts, _, err := amsbridge.Parts(ctx, h.cfg.Catalog, to.product)
	if err != nil {
		return "", err
	}
	holding, err := h.cfg.Standing.Holding(ctx, p.association(), to.user.ID, parts, p.Destination)
	return holding.State, err
}

// refuse writes the audit row of a member who was not handed over.
func (h *Handlers) refuse(ctx context.Context, p Platform, user amsbridge.UserID, reason string) {
	kind := ssotoken.HandOff
	switch p.Way {
	case ByTicket:
		kind = ssotoken.Ticket
	case ByCookie:
		kind = ssotoken.Session
	}
	h.cfg.Audit(ctx, amsbridge.SSOEvent{
		Time: h.cfg.Now(), Action: amsbridge.SSORefused, Kind: kind, Audience: p.Name, UserID: user, Reason: reason,
	})
}
