package cartlink

import (
	"net/http"

	"github.com/amsbridge/amsbridge"
)

// Cart is the shop's own cart, which it finds by the request's cookies. A cart that is a [Counter] too has
// its buyers asked only where there is something to ask.
type Cart interface {
	// Set puts a quantity of a product into the request's cart, in place of the quantity that was
	// there, so that doing it twice changes nothing. It may set cookies on w, but writes no answer.
	Set(w http.ResponseWriter, r *http.Request, p amsbridge.Product, quantity int) (SetResult, error)
}

// Counter is a [Cart] that can tell what the request's cart holds: how many of a product, and how many other
// products. Without it, a link is served unasked only where the request has no cookie at all, and so no cart.
type Counter interface {
	Count(r *http.Request, p amsbridge.Product) (quantity, others int, err error)
}

// Stock is a [Cart] that can tell in advance that a product is sold out, so that nobody is asked about
// a product that they cannot have.
type Stock interface {
	SoldOut(r *http.Request, p amsbridge.Product) (bool, error)
}

// SetResult is what became of a product that was to be put into a cart.
type SetResult uint8

// The results of [Cart].Set.
const (
	// Set: the product is in the cart.
	Set SetResult = iota
	// SoldOut: the product is not sold any more, or not now.
	SoldOut
)

// Policy says when a link may change a cart without asking the buyer.
type Policy uint8

// The policies.
const (
	// ConfirmIfNotEmpty asks where the cart holds other products, so that somebody else's link never
	// mixes with what the buyer chose, and where it holds another quantity of the product, so that none
	// overwrites it. No policy asks about what changes nothing.
	ConfirmIfNotEmpty Policy = iota
	// AlwaysConfirm asks each time.
	AlwaysConfirm
	// AlwaysAdd does not ask, and overwrites another quantity.
	AlwaysAdd
)
