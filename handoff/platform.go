package handoff

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/web"
	"github.com/amsbridge/amsbridge/outbox"
)

// Way is how a member is handed over to a platform.
type Way uint8

// The ways.
const (
	// ByForm makes the browser post the token. It is in no URL, so no log, history or Referer keeps it.
	ByForm Way = iota
	// ByQuery puts the token into the URL, for receivers that take no form. Logs on the way may keep
	// it; it works once, and for a minute.
	ByQuery
	// ByCookie sets a pull session as a cookie of the parent domain. The platform
	// finds it there and asks a [Validator] whose it is.
	ByCookie
	// ByTicket fetches a login ticket from the platform and redirects to it.
	ByTicket
)

// Platform is a platform that members are handed over to.
type Platform struct {
	// Name is the platform's name in requests. It is the Name of an [amsbridge.Audience], except for
	// ByTicket. Required, unique.
	Name string
	// Title is the platform's name for members. Defaults to Name.
	Title string
	// Way is how members are handed over. Defaults to ByForm.
	Way Way
	// URL is where the platform accepts hand-offs, and for ByCookie its front page: https, or http to
	// loopback. Required, except for ByTicket.
	URL string
	// TokenParam is the name of the token's form field or query parameter.
	// Defaults to "token".
	TokenParam string
	// TellOrigin lets the browser tell the platform that the form comes from the shop's origin, which a
	// receiver with ssoverify.AcceptConfig.Origins requires: the page with the form then has the
	// Referrer-Policy strict-origin. It is for ByForm. Defaults to false: no-referrer, with which browsers
	// send "Origin: null".
	TellOrigin bool
	// Destination is the outbox destination whose pushes must have arrived before a member is handed
	// over: the name in their messages, such as "elevate" or "elevate/acme". Its suffix says of which
	// association the members are, and is the same for all platforms of a [Config]. A wrong name goes
	// unnoticed and waits for nothing: it looks like a member who bought nothing. Defaults to none:
	// nothing is waited for.
	Destination string
	// Cookie holds the pull session. Required for ByCookie.
	Cookie PullCookie
	// Tickets fetches login tickets. Required for ByTicket.
	Tickets TicketMinter
}

// TicketMinter fetches a login ticket of a platform that has its own, and returns the URL that redeems
// it, once and within a minute. The Notified client is one. Its error is an [*outbox.DeliveryError]
// where the platform gave a reason.
type TicketMinter interface {
	MintTicket(ctx context.Context, user amsbridge.UserID, product amsbridge.Product) (string, error)
}

// checkPlatforms checks every platform and fills in its defaults.
func (cfg *Config) checkPlatforms() error {
	if len(cfg.Platforms) == 0 {
		return check.Bad("handoff", "Config.Platforms", "are empty")
	}
	for i := range cfg.Platforms {
		p := &cfg.Platforms[i]
		p.Title = cmp.Or(p.Title, p.Name)
		p.TokenParam = cmp.Or(p.TokenParam, "token")
		field, problem := p.problem()
		sameName := func(other Platform) bool { return other.Name == p.Name }
		if problem == "" && slices.ContainsFunc(cfg.Platforms[:i], sameName) {
			field, problem = "Name", "is listed twice"
		}
		if problem == "" && p.Way != ByTicket && cfg.SSO != nil && !slices.Contains(cfg.SSO.Audiences(), p.Name) {
			field, problem = "Name", "is no audience of Config.SSO"
		}
		if other := slices.IndexFunc(cfg.Platforms[:i], p.ofAnother); problem == "" && other >= 0 {
			field, problem = "Destination", fmt.Sprintf("is of another association than that of Platforms[%d]", other)
		}
		if problem != "" {
			return check.Bad("handoff", fmt.Sprintf("Config.Platforms[%d].%s", i, field), problem)
		}
		if missing := cfg.lacks(*p); missing != "" {
			return check.Bad("handoff", "Config."+missing, fmt.Sprintf("is nil, and Platforms[%d] needs it", i))
		}
	}
	return nil
}

// problem returns the first bad field of a platform and what is wrong with it.
func (p Platform) problem() (field, problem string) {
	switch {
	case check.Text(p.Name, 255) != "":
		return "Name", check.Text(p.Name, 255)
	case check.Text(p.Title, 255) != "":
		return "Title", check.Text(p.Title, 255)
	case p.Way > ByTicket:
		return "Way", "is not one of the ways"
	case p.Way != ByTicket && !web.SecureURL(p.URL):
		return "URL", "is not an https URL, or http to loopback"
	case check.Name(p.TokenParam, 64) != "":
		return "TokenParam", check.Name(p.TokenParam, 64)
	case p.TellOrigin && p.Way != ByForm:
		return "TellOrigin", "is set, and no form is posted"
	case p.Destination != "" && outbox.CheckDestination(p.Destination) != nil:
		return "Destination", check.Problem(outbox.CheckDestination(p.Destination))
	case p.Way == ByTicket && check.IsNil(p.Tickets):
		return "Tickets", "is nil"
	case p.Way == ByCookie:
		return p.Cookie.problem(p.URL)
	}
	return "", ""
}

// association is that of the members who are handed over.
func (p Platform) association() string {
	return outbox.Message{Destination: p.Destination}.Association()
}

// ofAnother tells whether two platforms are those of two associations.
func (p Platform) ofAnother(other Platform) bool {
	return p.Destination != "" && other.Destination != "" && p.association() != other.association()
}

// lacks names a field of the configuration that a platform needs and that is
// not set.
func (cfg *Config) lacks(p Platform) string {
	switch {
	case p.Way != ByTicket && cfg.SSO == nil:
		return "SSO"
	case p.Way == ByCookie && cfg.SessionID == nil:
		return "SessionID"
	case (p.Way == ByTicket || p.Destination != "") && cfg.Catalog == nil:
		return "Catalog"
	case p.Destination != "" && cfg.Standing == nil:
		return "Standing"
	}
	return ""
}
