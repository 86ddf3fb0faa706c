// Package muxroutes mounts amsbridge's handlers on gorilla/mux under conventional paths, and guards
// against what gorilla/mux leaves open. The handlers fit any router: [Config.Handlers] returns them for
// others.
package muxroutes

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"github.com/amsbridge/amsbridge/cartlink"
	"github.com/amsbridge/amsbridge/handoff"
	"github.com/amsbridge/amsbridge/internal/check"
)

// The conventional paths, after the prefix. A handler that is not configured is not mounted.
const (
	PathHandOff   = "/hand-off"
	PathSignOut   = "/sign-out"
	PathValidate  = "/validate"
	PathBuy       = "/buy"
	PathStaffList = "/products.csv"
	PathJWKS      = "/jwks.json"
)

const prefixChars = "abcdefghijklmnopqrstuvwxyz0123456789-"

// Config says which handlers are mounted. A nil handler is not. A shop that serves several associations
// mounts a Config for each, with prefixes of their own.
type Config struct {
	// Prefix is the beginning of every path: "/" and at least one of [a-z0-9-]. Defaults to
	// "/amsbridge". The BaseURL of the cart links must have the same prefix.
	Prefix string
	// HandOffs answers [PathHandOff] and [PathSignOut].
	HandOffs *handoff.Handlers
	// Validator answers [PathValidate].
	Validator *handoff.Validator
	// Cart answers [PathBuy].
	Cart *cartlink.Links
	// StaffList answers [PathStaffList].
	StaffList http.Handler
	// JWKS answers [PathJWKS].
	JWKS http.Handler
}

// Handlers returns the handlers by path, for another router. Mount them for all methods: each answers a
// method that it does not support with 405 and Allow, and answers HEAD where it answers GET. It returns
// an *amsbridge.InputError that names the bad field.
func (c Config) Handlers() (map[string]http.Handler, error) {
	if c.Prefix == "" {
		c.Prefix = "/amsbridge"
	}
	switch {
	case len(c.Prefix) < 2 || c.Prefix[0] != '/' || strings.Trim(c.Prefix[1:], prefixChars) != "":
		return nil, check.Bad("muxroutes", "Config.Prefix", "is not / and at least one of [a-z0-9-]")
	case c.StaffList != nil && check.IsNil(c.StaffList):
		return nil, check.Bad("muxroutes", "Config.StaffList", "holds a nil pointer")
	case c.JWKS != nil && check.IsNil(c.JWKS):
		return nil, check.Bad("muxroutes", "Config.JWKS", "holds a nil pointer")
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
		return nil, check.Bad("muxroutes", "Config", "has no handler")
	}
	return all, nil
}

// Mount adds the handlers to a router and returns the handler to serve instead of it: the router inside
// [Guard]. Routes match by path alone, so every method reaches the handlers, whatever the router does
// on its own routes. The errors are those of [Config.Handlers].
func Mount(router *mux.Router, c Config) (http.Handler, error) {
	if router == nil {
		return nil, check.Bad("muxroutes", "router", "is nil")
	}
	all, err := c.Handlers()
	if err != nil {
		return nil, err
	}
	for path, h := range all {
		router.Path(path).Handler(h)
	}
	return Guard(router), nil
}
