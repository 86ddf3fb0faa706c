// Package muxroutes mounts amsbridge's handlers on gorilla/mux, under the
// conventional paths, and closes what gorilla/mux leaves open. The handlers
// themselves fit any router: [Config.Handlers] gives them for others.
package muxroutes

import (
	"net/http"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"

	"github.com/gorilla/mux"

	"github.com/amsbridge/amsbridge"
)

// The conventional paths, behind the prefix. A handler that is not configured
// has none.
const (
	PathHandOff   = "/hand-off"
	PathSignOut   = "/sign-out"
	PathValidate  = "/validate"
	PathBuy       = "/buy"
	PathStaffList = "/products.csv"
	PathJWKS      = "/jwks.json"
)

// Config says what is mounted. Each field but Prefix may be nil.
type Config struct {
	// Prefix begins every path: "/" and at least one of [a-z0-9-]. Defaults to
	// "/amsbridge". The BaseURL of the cart's links must agree with it.
	Prefix string
	// HandOffs bring [PathHandOff] and [PathSignOut].
	HandOffs *amsbridge.HandOffs
	// Validator answers [PathValidate].
	Validator *amsbridge.Validator
	// Cart answers [PathBuy].
	Cart *amsbridge.CartLinks
	// StaffList answers [PathStaffList].
	StaffList http.Handler
	// JWKS answers [PathJWKS].
	JWKS http.Handler
}

// Handlers returns the handlers by path, for another router. Mount them for all
// methods: each answers those that it does not know with 405 and Allow, and
// knows HEAD where it knows GET. It returns an [*amsbridge.InputError] that
// names the bad field.
func (c Config) Handlers() (map[string]http.Handler, error) {
	if c.Prefix == "" {
		c.Prefix = "/amsbridge"
	}
	if len(c.Prefix) < 2 || c.Prefix[0] != '/' || strings.Trim(c.Prefix[1:], "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return nil, check.Bad("muxroutes", "prefix", "is not / and at least one of [a-z0-9-]")
	}
	all := map[string]http.Handler{}
	if c.HandOffs != nil {
		all[c.Prefix+PathHandOff], all[c.Prefix+PathSignOut] = c.HandOffs.Start(), c.HandOffs.SignOut()
	}
	if c.Validator != nil {
		all[c.Prefix+PathValidate] = c.Validator
	}
	if c.Cart != nil {
		all[c.Prefix+PathBuy] = c.Cart
	}
	if c.StaffList != nil {
		all[c.Prefix+PathStaffList] = c.StaffList
	}
	if c.JWKS != nil {
		all[c.Prefix+PathJWKS] = c.JWKS
	}
	if len(all) == 0 {
		return nil, check.Bad("muxroutes", "config", "names no handler")
	}
	return all, nil
}

// Mount adds the handlers to a router and returns the handler to serve in its
// place: the router behind [Guard]. Routes are matched by path alone, so that
// HEAD and the methods that are refused reach the handlers, whatever the router
// does with such requests of its own.
func Mount(r *mux.Router, c Config) (http.Handler, error) {
	if r == nil {
		return nil, check.Bad("muxroutes", "router", "is nil")
	}
	all, err := c.Handlers()
	if err != nil {
		return nil, err
	}
	for path, h := range all {
		r.Path(path).Handler(h)
	}
	return Guard(r), nil
}
