package amsbridge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
)

// ErrSignedOut is returned by a CurrentUser for a request of nobody.
var ErrSignedOut = errors.New("amsbridge: nobody is signed in")

// TicketMinter fetches a login ticket of a platform that has its own, and
// returns the URL that redeems it, once and within a minute. The Notified client
// is one. Errors are [*outbox.DeliveryError] where the platform said why.
type TicketMinter interface {
	MintTicket(ctx context.Context, user UserID, product Product) (string, error)
}

// Way is how a member is handed to a platform.
type Way uint8

// The ways.
const (
	// ByForm has the browser post the token: it is in no URL, so no log, history
	// or Referer keeps it.
	ByForm Way = iota
	// ByQuery puts the token into the URL, for receivers that take no form. Logs
	// on the way may keep it; it serves once and for a minute.
	ByQuery
	// ByCookie sets a pull session as a cookie of the parent domain, which the
	// platform finds and asks about; see [NewValidator].
	ByCookie
	// ByTicket fetches a login ticket from the platform and redirects to it.
	ByTicket
)

// Platform is one that members walk to.
type Platform struct {
	// Name is what requests call it: an [Audience]'s name, but for ByTicket.
	// Required, unique.
	Name string
	// Title is what members call it. Defaults to Name.
	Title string
	// Way is how it is done. Defaults to ByForm.
	Way Way
	// URL is where the receiver takes hand-offs, and for ByCookie its front page:
	// https, or http to loopback. Required, but for ByTicket.
	URL string
	// TokenParam is the name of the token's field or parameter. Defaults to
	// "token".
	TokenParam string
	// Destination is the outbox destination whose pushes must have arrived before
	// a member goes there, such as "elevate". Defaults to none: nothing is waited
	// for.
	Destination string
	// Cookie is that of ByCookie. Required there.
	Cookie PullCookie
	// Tickets fetches those of ByTicket. Required there.
	Tickets TicketMinter
}

// HandOffsConfig configures [NewHandOffs].
type HandOffsConfig struct {
	// SSO signs. Required, unless all platforms are ByTicket.
	SSO *SSO
	// Platforms are all that members may walk to. At least one.
	Platforms []Platform
	// CurrentUser says who is signed in at the shop, or [ErrSignedOut].
	// Required.
	CurrentUser func(*http.Request) (User, error)
	// SessionID names the shop's session of a request, for ByCookie: see
	// [SSO.Session]. Required there.
	SessionID func(*http.Request) (string, error)
	// SignIn is the shop's sign-in page: a path, or a URL. Those who are signed
	// out are sent there with the parameter "back", which [HandOffs.WayBack]
	// reads. Required. Browsers hold redirects that follow a form to that page's
	// form-action: with ByQuery, ByCookie and ByTicket its policy must allow the
	// platforms' origins.
	SignIn string
	// StateKey signs ways back and sign-out forms: at least 32 random bytes, the
	// same on all replicas, and none of the SSO's keys. Required.
	StateKey []byte
	// Catalog finds the product that a request names. Required where a platform
	// has a Destination or is ByTicket.
	Catalog Catalog
	// Standing says whether a product's push has arrived. Required where a
	// platform has a Destination.
	Standing *Standing
	// EndSession ends the shop's session of a request, for [HandOffs.SignOut].
	// Defaults to none: only our cookies are taken back.
	EndSession func(http.ResponseWriter, *http.Request) error
	// SignedOut is where members go who signed out: a path. Defaults to "/".
	SignedOut string
	// PerUser and PerAddress limit hand-offs, in this process. Default to 20 and
	// 120 a minute.
	PerUser, PerAddress int
	// Address says who calls, behind a proxy. Defaults to the connection's own
	// address.
	Address func(*http.Request) string
	// Audit takes a row for each ticket and each refusal; those of tokens go to
	// the SSO's own. Defaults to the log.
	Audit SSOAudit
	// Pages say how the pages look.
	Pages PageConfig
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// HandOffs are the handlers by which members walk from the shop to the
// platforms. They are plain handlers without path variables: mount them where
// you like. It is safe for concurrent use, and shows no key when printed.
type HandOffs struct {
	cfg       HandOffsConfig
	platforms map[string]Platform
	state     *stateSigner
	pages     *pages
	perUser   *limiter
	perAddr   *limiter
}

// NewHandOffs checks the configuration and copies it. It returns an
// [*InputError] that names the first bad field.
func NewHandOffs(cfg HandOffsConfig) (*HandOffs, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.SignedOut == "" {
		cfg.SignedOut = "/"
	}
	if cfg.Address == nil {
		cfg.Address = remoteAddress
	}
	cfg.Audit = cfg.Audit.orLog()
	h := &HandOffs{cfg: cfg, platforms: make(map[string]Platform, len(cfg.Platforms))}
	var err error
	if h.pages, err = newPages(cfg.Pages); err != nil {
		return nil, err
	}
	if h.state, err = newStateSigner(cfg.StateKey, cfg.Now); err != nil {
		return nil, err
	}
	h.cfg.StateKey = nil
	if h.perUser, err = newLimiter("per user", cfg.PerUser, 20, cfg.Now); err != nil {
		return nil, err
	}
	if h.perAddr, err = newLimiter("per address", cfg.PerAddress, 120, cfg.Now); err != nil {
		return nil, err
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	for i, p := range cfg.Platforms {
		if err := h.add(p); err != nil {
			err.Field = fieldOf("platforms", i, err.Field)
			return nil, err
		}
	}
	return h, nil
}

func (cfg HandOffsConfig) check() error {
	switch {
	case len(cfg.Platforms) == 0:
		return check.Bad("amsbridge", "platforms", "are empty")
	case cfg.CurrentUser == nil:
		return check.Bad("amsbridge", "current user", "is missing")
	case localPath(cfg.SignIn) == "" && !secureURL(cfg.SignIn):
		return check.Bad("amsbridge", "sign in", "is neither a path nor an https URL")
	case localPath(cfg.SignedOut) == "":
		return check.Bad("amsbridge", "signed out", "is not a path")
	}
	return nil
}

// add checks a platform and keeps it.
func (h *HandOffs) add(p Platform) *InputError {
	if p.Title == "" {
		p.Title = p.Name
	}
	if p.TokenParam == "" {
		p.TokenParam = "token"
	}
	_, twice := h.platforms[p.Name]
	switch {
	case textProblem(p.Name, 255) != "":
		return check.Bad("amsbridge", "name", textProblem(p.Name, 255))
	case twice:
		return check.Bad("amsbridge", "name", "is listed twice")
	case textProblem(p.Title, 255) != "":
		return check.Bad("amsbridge", "title", textProblem(p.Title, 255))
	case p.Way > ByTicket:
		return check.Bad("amsbridge", "way", "is not one of the ways")
	case p.Way != ByTicket && !secureURL(p.URL):
		return check.Bad("amsbridge", "URL", "is not an https URL")
	case len(p.TokenParam) > 64 || notToken(p.TokenParam):
		return check.Bad("amsbridge", "token param", "is not 1 to 64 of [A-Za-z0-9_.-]")
	case p.Way == ByTicket && p.Tickets == nil:
		return check.Bad("amsbridge", "tickets", "are missing")
	case p.Way != ByTicket && !h.cfg.SSO.knows(p.Name):
		return check.Bad("amsbridge", "name", "is no audience of the SSO")
	case p.Way == ByCookie && h.cfg.SessionID == nil:
		return check.Bad("amsbridge", "way", "is by cookie, and the session ID is missing")
	case (p.Way == ByTicket || p.Destination != "") && h.cfg.Catalog == nil:
		return check.Bad("amsbridge", "destination", "needs a catalogue")
	case p.Destination != "" && h.cfg.Standing == nil:
		return check.Bad("amsbridge", "destination", "needs a standing")
	}
	if p.Way == ByCookie {
		if problem := p.Cookie.problem(p.URL); problem != "" {
			return check.Bad("amsbridge", "cookie", problem)
		}
	}
	h.platforms[p.Name] = p
	return nil
}

func (s *SSO) knows(name string) bool {
	if s == nil {
		return false
	}
	_, ok := s.audiences[name]
	return ok
}

// secureURL tells whether it is an absolute https URL, or http to loopback,
// without userinfo and fragment.
func secureURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && originOf(u) != "" && u.Fragment == "" && textProblem(s, 2048) == ""
}

// localPath returns a path of this site, written anew, or "".
func localPath(s string) string {
	if len(s) > 0 && s[0] == '/' {
		return returnPolicy{}.allowed(s)
	}
	return ""
}

// fieldOf names the field of one of a list.
func fieldOf(list string, i int, field string) string {
	return fmt.Sprintf("%s[%d].%s", list, i, field)
}
