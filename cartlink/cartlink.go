package cartlink

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/render"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/pages"
)

// Config configures [New].
type Config struct {
	// BaseURL is the public URL under which the handler is mounted, such as
	// "https://shop.example.org/buy": https, or http to loopback. Links come from
	// it alone, whatever Host a request names. Required.
	BaseURL string
	// Cart is the shop's own cart. Required.
	Cart Cart
	// Catalog knows the products. Required.
	Catalog amsbridge.Catalog
	// CartPage is the path of the page that the buyer sees after the cart was changed. Required.
	CartPage string
	// ShopPage is the path of the page for buyers whose link cannot be served. Defaults to "/".
	ShopPage string
	// Policy says when a link changes the cart without asking the buyer. Defaults to ConfirmIfNotEmpty.
	Policy Policy
	// MaxQuantity is the largest quantity that a link may ask for. Defaults to 100.
	MaxQuantity int
	// CurrentUser returns the signed-in member, or [amsbridge.ErrSignedOut]. With it and Standing, a
	// member who has the product is asked before they buy it again. Set both or neither. Defaults to
	// none: nobody is known to have anything.
	CurrentUser func(*http.Request) (amsbridge.User, error)
	// Association is that of the members (see [amsbridge.Order].Association): the same user ID names
	// another person in another one. A shop that serves several makes Links for each. Defaults to none.
	Association string
	// Standing says what the signed-in member has.
	Standing *amsbridge.Standing
	// WalkIn returns the path that hands a member who has the product over to its platform, such as that
	// of handoff's Start with its parameters. Defaults to none: the page links to what the platform
	// gave, if it gave a link.
	WalkIn func(amsbridge.Product) string
	// Title returns a product's name for buyers. Defaults to its ID.
	Title func(amsbridge.Product) string
	// LaxCookie says that the cart's cookie is also sent on a click from another site (SameSite=Lax or
	// None). Defaults to false: who comes from another site first sees a page of this site, which goes on
	// by itself and has the browser send a Strict cookie too. Who comes with a browser that does not say
	// from where (Fetch Metadata; all browsers since 2023 do) is asked, whatever the policy.
	LaxCookie bool
	// Pages says how the pages look.
	Pages pages.Config
}

// Links makes and serves registration URLs: links for Elevate's Register button that put a product into
// the cart. It is safe for concurrent use.
type Links struct {
	cfg   Config
	base  url.URL
	pages *render.Renderer
	cross *http.CrossOriginProtection
}

// Parameters of a registration URL, of which the last is only in forms. All others are ignored.
const (
	paramProduct  = "product"
	paramQuantity = "quantity"
	// paramInstead is the quantity that the buyer was told the cart holds.
	paramInstead = "instead"
)

// New checks the configuration and copies it. It returns an
// [*amsbridge.InputError] that names the first bad field.
func New(cfg Config) (*Links, error) {
	cfg.ShopPage = cmp.Or(cfg.ShopPage, "/")
	cfg.MaxQuantity = cmp.Or(cfg.MaxQuantity, 100)
	if cfg.Title == nil {
		cfg.Title = func(p amsbridge.Product) string { return p.ID }
	}
	base, err := url.Parse(cfg.BaseURL)
	switch {
	case err != nil, !web.SecureURL(cfg.BaseURL), base.RawQuery != "", web.LocalPath(base.EscapedPath()) == "":
		return nil, check.Bad("cartlink", "Config.BaseURL", "is not an https URL with a path and without a query")
	case check.IsNil(cfg.Cart):
		return nil, check.Bad("cartlink", "Config.Cart", "is nil")
	case check.IsNil(cfg.Catalog):
		return nil, check.Bad("cartlink", "Config.Catalog", "is nil")
	case web.LocalPath(cfg.CartPage) == "":
		return nil, check.Bad("cartlink", "Config.CartPage", "is not a path")
	case web.LocalPath(cfg.ShopPage) == "":
		return nil, check.Bad("cartlink", "Config.ShopPage", "is not a path")
	case cfg.Policy > AlwaysAdd:
		return nil, check.Bad("cartlink", "Config.Policy", "is not one of the policies")
	case cfg.MaxQuantity < 1 || cfg.MaxQuantity > 9999:
		return nil, check.Bad("cartlink", "Config.MaxQuantity", "is not from 1 to 9,999")
	case cfg.Association != "" && check.Name(cfg.Association, 64) != "":
		return nil, check.Bad("cartlink", "Config.Association", check.Name(cfg.Association, 64))
	case cfg.CurrentUser == nil && cfg.Standing != nil:
		return nil, check.Bad("cartlink", "Config.CurrentUser", "is nil, and Standing is set")
	case cfg.CurrentUser != nil && cfg.Standing == nil:
		return nil, check.Bad("cartlink", "Config.Standing", "is nil, and CurrentUser is set")
	}
	l := &Links{cfg: cfg, base: *base, cross: http.NewCrossOriginProtection()}
	if err := l.cross.AddTrustedOrigin(web.Origin(base)); err != nil {
		return nil, check.Bad("cartlink", "Config.BaseURL", "has no origin")
	}
	if l.pages, err = render.New("cartlink", cfg.Pages); err != nil {
		return nil, err
	}
	return l, nil
}

// URL returns a product's registration URL, for Elevate's product set-up page. It depends only on the
// product's ID and the BaseURL.
func (l *Links) URL(p amsbridge.Product) string {
	u := l.base
	u.RawQuery = url.Values{paramProduct: {p.ID}}.Encode()
	return u.String()
}

// quantity reads a quantity in plain digits without leading zeros. Empty is one.
func (l *Links) quantity(text string) (int, bool) {
	if text == "" {
		return 1, true
	}
	if len(text) > 4 {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 1 && n <= l.cfg.MaxQuantity && strconv.Itoa(n) == text
}
