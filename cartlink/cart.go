package cartlink

import (
	"net/http"

	"github.com/amsbridge/amsbridge"
)

// Cart is the shop's own cart.
type Cart interface {
	// Set puts a quantity of a product into the cart of a request. It replaces
	// what the cart held of the product, so that doing it twice changes nothing.
	// It may set cookies on w, but writes no answer.
	Set(w http.ResponseWriter, r *http.Request, p amsbridge.Product, quantity int) (SetResult, error)
}

// Counter is a [Cart] that can say how many other products the cart of a request
// holds. Without it, [ConfirmIfNotEmpty] always asks.
type Counter interface {
	CountOthers(r *http.Request, p amsbridge.Product) (int, error)
}

// Stock is a [Cart] that can say beforehand that a product is not sold, so that
// nobody is asked about what they cannot have.
type Stock interface {
	SoldOut(r *http.Request, p amsbridge.Product) (bool, error)
}

// SetResult is what became of a product that was to be put into the cart.
type SetResult uint8

// What became of it.
const (
	// Set: the cart holds it.
	Set SetResult = iota
	// SoldOut: it is not sold any more, or not now.
	SoldOut
)

// Policy says when a link changes a cart without asking.
type Policy uint8

// The policies.
const (
	// ConfirmIfNotEmpty asks where the cart holds something else, so that somebody
	// else's link never mixes with what a buyer has chosen.
	ConfirmIfNotEmpty Policy = iota
	// AlwaysConfirm asks each time.
	AlwaysConfirm
	// AlwaysAdd never asks.
	AlwaysAdd
)
