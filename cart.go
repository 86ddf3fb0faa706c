package amsbridge

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Cart is the shop's own cart.
type Cart interface {
	// Set puts a quantity of a product into the cart of a request, in the place of
	// what the cart held of it: doing it twice leaves one. It may set cookies on w,
	// but writes no answer.
	Set(w http.ResponseWriter, r *http.Request, p Product, quantity int) (SetResult, error)
}

// CartCounter is a [Cart] that can say how many lines a request's cart has
// beside a product. Without it, [ConfirmIfNotEmpty] always confirms.
type CartCounter interface {
	CountOthers(r *http.Request, p Product) (int, error)
}

// CartStock is a [Cart] that can say beforehand that a product is not sold, so
// that nobody is asked about what they cannot have.
type CartStock interface {
	SoldOut(r *http.Request, p Product) (bool, error)
}

// SetResult is what became of a product that was to be put into the cart.
type SetResult uint8

// What became of it.
const (
	// CartSet: the cart holds it.
	CartSet SetResult = iota
	// CartSoldOut: it is not sold any more, or not now.
	CartSoldOut
)

// CartPolicy says when a link changes a cart without asking.
type CartPolicy uint8

// The policies.
const (
	// ConfirmIfNotEmpty asks where the cart holds something else: a link of
	// somebody else never mixes with what a buyer has chosen.
	ConfirmIfNotEmpty CartPolicy = iota
	// AlwaysConfirm asks each time.
	AlwaysConfirm
	// AlwaysAdd never asks.
	AlwaysAdd
)

// CartConfig configures [NewCartLinks].
type CartConfig struct {
	// BaseURL is the public URL under which the handler is mounted, such as
	// "https://shop.example.org/buy": https, or http to loopback. Links come from
	// it alone, whatever Host a request names. Required.
	BaseURL string
	// Cart is the shop's. Required.
	Cart Cart
	// Catalog knows the products. Required.
	Catalog Catalog
	// CartPage is where the buyer goes on: a path. Required.
	CartPage string
	// ShopPage is where a buyer goes whom the link does not help: a path. Defaults
	// to "/".
	ShopPage string
	// Policy says when a link changes the cart without asking. Defaults to
	// ConfirmIfNotEmpty.
	Policy CartPolicy
	// MaxQuantity is the most that a link may ask for. Defaults to 100.
	MaxQuantity int
	// CurrentUser says who is signed in, or [ErrSignedOut], and Standing what they
	// have: who owns the product is led into it. Default to none: nobody is known
	// to own anything. Both, or neither.
	CurrentUser func(*http.Request) (User, error)
	Standing    *Standing
	// WalkIn returns the path by which the owner of a product walks in, such as
	// that of [HandOffs.Start] with its parameters. Defaults to none: a page with
	// the platform's link, where it gave one.
	WalkIn func(Product) string
	// Title is what a buyer calls a product. Defaults to its ID.
	Title func(Product) string
	// LaxCookie says that the cart's cookie is sent when a buyer comes from
	// another site (SameSite=Lax or None), which spares them a hop. Defaults to
	// false: they might have a cart whose cookie this click did not bring.
	LaxCookie bool
	// Pages say how the pages look.
	Pages PageConfig
}

// CartLinks serve registration URLs: links that put a product into the cart, as
// Elevate's Registration button wants them. It is safe for concurrent use.
type CartLinks struct {
	cfg   CartConfig
	base  url.URL
	pages *pages
	cross *http.CrossOriginProtection
}

// Parameters of a registration URL. All others are ignored.
const (
	paramQuantity = "quantity"
	paramHop      = "hop"
)

// NewCartLinks checks the configuration. It returns an [*InputError] that names
// the first bad field.
func NewCartLinks(cfg CartConfig) (*CartLinks, error) {
	if cfg.ShopPage == "" {
		cfg.ShopPage = "/"
	}
	if cfg.Title == nil {
		cfg.Title = func(p Product) string { return p.ID }
	}
	if cfg.MaxQuantity == 0 {
		cfg.MaxQuantity = 100
	}
	base, err := url.Parse(cfg.BaseURL)
	switch {
	case err != nil || !secureURL(cfg.BaseURL) || base.RawQuery != "" || localPath(base.EscapedPath()) == "":
		return nil, check.Bad("amsbridge", "base URL", "is not an https URL with a path and without a query")
	case cfg.Cart == nil:
		return nil, check.Bad("amsbridge", "cart", "is missing")
	case cfg.Catalog == nil:
		return nil, check.Bad("amsbridge", "catalog", "is missing")
	case localPath(cfg.CartPage) == "":
		return nil, check.Bad("amsbridge", "cart page", "is not a path")
	case localPath(cfg.ShopPage) == "":
		return nil, check.Bad("amsbridge", "shop page", "is not a path")
	case cfg.Policy > AlwaysAdd:
		return nil, check.Bad("amsbridge", "policy", "is not one of the policies")
	case cfg.MaxQuantity < 1 || cfg.MaxQuantity > 9999:
		return nil, check.Bad("amsbridge", "max quantity", "is not from 1 to 9,999")
	case (cfg.CurrentUser == nil) != (cfg.Standing == nil):
		return nil, check.Bad("amsbridge", "standing", "and current user are not both set")
	}
	c := &CartLinks{cfg: cfg, base: *base, cross: http.NewCrossOriginProtection()}
	if err := c.cross.AddTrustedOrigin(originOf(base)); err != nil {
		return nil, check.Bad("amsbridge", "base URL", "has no origin")
	}
	c.pages, err = newPages(cfg.Pages)
	return c, err
}

// URL returns a product's registration URL, for Elevate's product set-up page:
// it stays the same for as long as the product's ID and the BaseURL do.
func (c *CartLinks) URL(p Product) string {
	u := c.base
	u.RawQuery = url.Values{paramProduct: {p.ID}}.Encode()
	return u.String()
}

// quantity reads a quantity written in plain digits, without leading zeros.
// Empty is one.
func (c *CartLinks) quantity(text string) (int, bool) {
	if text == "" {
		return 1, true
	}
	if len(text) > 4 {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 1 && n <= c.cfg.MaxQuantity && strconv.Itoa(n) == text
}
