package handoff

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/limit"
	"github.com/amsbridge/amsbridge/internal/render"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/pages"
)

// Config configures [New].
type Config struct {
	// SSO signs the tokens. Required, unless all platforms are ByTicket.
	SSO *amsbridge.SSO
	// Platforms are the platforms that members may be handed over to, all of one association. At least
	// one.
	Platforms []Platform
	// CurrentUser returns the member of that association who is signed in at the shop, or
	// [amsbridge.ErrSignedOut]. Required.
	CurrentUser func(*http.Request) (amsbridge.User, error)
	// SessionID returns the name of the shop's own session of a request; see [amsbridge.SSO.Session].
	// Required for ByCookie.
	SessionID func(*http.Request) (string, error)
	// SignIn is the shop's sign-in page: a path, or a URL. Members who are signed out are sent there
	// with the parameter "back", which [Handlers.WayBack] reads. Browsers apply that page's form-action
	// also to the redirects that follow its form: for ByQuery, ByCookie and ByTicket its
	// Content-Security-Policy must allow the platforms' origins. Required.
	SignIn string
	// StateKey signs ways back and sign-out forms. It is at least 32 random bytes, the same in all
	// processes, and none of the SSO's secrets, which it shares with a platform; a ring that is to take it
	// later refuses. Required.
	StateKey []byte
	// Catalog finds the product of a request. Required where a platform has a Destination or is
	// ByTicket.
	Catalog amsbridge.Catalog
	// Standing says whether a product's push has arrived. Required where a
	// platform has a Destination.
	Standing *amsbridge.Standing
	// EndSession ends the shop's session of a request, for [Handlers.SignOut].
	// Defaults to none: only the cookies of pull sessions are deleted.
	EndSession func(http.ResponseWriter, *http.Request) error
	// SignedOut is the path of the page that members see after signing out. Defaults to "/".
	SignedOut string
	// PerUser limits the hand-offs that this process makes in a minute for one member. Pages that say that
	// a registration is not finished do not count, and requests of nobody who is signed in cost no more than
	// any page of the shop. For ByTicket such a page may ask the platform: it is asked at most 60 times a
	// minute for one member, or PerUser times if that is more. It also limits, counted apart and for each
	// platform, how often [Handlers.Session] signs. Defaults to 20.
	PerUser int
	// Audit gets a row for each ticket, refusal and sign-out; see [amsbridge.BoundRefusals]. Rows of tokens
	// go to the SSO's own audit. Defaults to the log.
	Audit amsbridge.SSOAudit
	// Pages says how the pages look.
	Pages pages.Config
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Format writes no key, whatever the verb.
func (cfg Config) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "handoff.Config(%d platforms)", len(cfg.Platforms))
}

// Handlers hand members over from the shop to the platforms and sign them out.
// They are plain handlers without path variables: mount them where you like.
// They are safe for concurrent use, and printing them shows no key.
type Handlers struct {
	cfg     Config // without its StateKey
	state   *stateSigner
	pages   *render.Renderer
	perUser *limit.Limiter
	// tickets limits what one member makes this process ask of a platform, answered or not.
	tickets *limit.Limiter
	// sessions limits the pull sessions that Session gives one member, whose browser may keep no cookie.
	sessions *limit.Limiter
}

// New checks the configuration and copies it. It returns an
// [*amsbridge.InputError] that names the first bad field.
func New(cfg Config) (*Handlers, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Audit == nil {
		cfg.Audit = amsbridge.LogSSO
	}
	cfg.Audit = amsbridge.BoundRefusals(cfg.Audit, cfg.Now)
	cfg.SignedOut = cmp.Or(cfg.SignedOut, "/")
	cfg.Platforms = slices.Clone(cfg.Platforms)
	if err := cfg.check(); err != nil {
		return nil, err
	}
	h := &Handlers{}
	var err error
	if h.pages, err = render.New("handoff", cfg.Pages); err != nil {
		return nil, err
	}
	if h.state, err = newStateSigner(cfg.StateKey, cfg.Now); err != nil {
		return nil, err
	}
	if err := cfg.keepStateKeyApart(); err != nil {
		return nil, err
	}
	if h.perUser, err = newLimiter("Config.PerUser", cfg.PerUser, 20, cfg.Now); err != nil {
		return nil, err
	}
	if h.sessions, err = newLimiter("Config.PerUser", cfg.PerUser, 20, cfg.Now); err != nil {
		return nil, err
	}
	h.tickets = limit.New(max(ticketCalls, cfg.PerUser), cfg.Now)
	cfg.StateKey = nil
	h.cfg = cfg
	return h, nil
}

func (cfg *Config) check() error {
	switch {
	case cfg.CurrentUser == nil:
		return check.Bad("handoff", "Config.CurrentUser", "is nil")
	case web.LocalPath(cfg.SignIn) == "" && !web.SecureURL(cfg.SignIn):
		return check.Bad("handoff", "Config.SignIn", "is neither a path nor an https URL")
	case web.LocalPath(cfg.SignedOut) == "":
		return check.Bad("handoff", "Config.SignedOut", "is not a path")
	case cfg.Catalog != nil && check.IsNil(cfg.Catalog):
		return check.Bad("handoff", "Config.Catalog", "holds a nil pointer")
	}
	return cfg.checkPlatforms()
}

// platform finds a platform by its name.
func (h *Handlers) platform(name string) (Platform, bool) {
	i := slices.IndexFunc(h.cfg.Platforms, func(p Platform) bool { return p.Name == name })
	if i < 0 {
		return Platform{}, false
	}
	return h.cfg.Platforms[i], true
}
