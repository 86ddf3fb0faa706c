package elevatetest

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/internal/check"
)

// Config configures a [Server].
type Config struct {
	// BaseURL is the beginning of Product URLs, such as "https://learn.example.org". Defaults to the
	// scheme and host of each call.
	BaseURL string
	// Key is the key that callers must send. Required, unless the profile's Auth is
	// [elevate.AuthBasic].
	Key string
	// Now is the journal's clock. Defaults to time.Now.
	Now func() time.Time
	// Path is the path of the Registration API. Defaults to "/api/registration", a guess.
	Path string
	// Products are the products that staff have set up. A call for another one is refused.
	Products []Product
	// Profile is the wire format. Required; see [elevate.GuessedProfile]. It must
	// not be changed while the server is in use.
	Profile *elevate.Profile
	// ReportKey is the Report API's api_key. Defaults to Key; required where ReportProfile is set and
	// Key is not.
	ReportKey string
	// ReportProfile enables the Report API, at /api/reports/, and is its wire format. It must not be
	// changed while the server is in use. Defaults to no Report API.
	ReportProfile *elevate.ReportProfile
	// UpsertDelay is how long a call waits between looking a person up and inserting them, and between
	// looking a registration up and inserting it, while other calls run. Two calls at once for one new
	// person then make two persons, as on a platform whose upsert is not atomic; that Elevate's is not
	// is a guess. Defaults to 0: atomic.
	UpsertDelay time.Duration
	// UserName and Password are those that callers must send. Required where the profile's Auth is
	// [elevate.AuthBasic].
	UserName, Password string
}

// Product is one product on Elevate.
type Product struct {
	// RemoteProductID is the ID that staff entered on the product's set-up page.
	RemoteProductID string
	// Title is shown on the product's page. Defaults to RemoteProductID.
	Title string
	// Slug ends the Product URL: [a-z0-9-]+. Defaults to RemoteProductID in lower
	// case, with "-" for other characters.
	Slug string
	// Draft refuses registrations for a product that is not published yet, Closed for a course that has
	// ended. Draft has precedence.
	Draft, Closed bool
	// AppearsAfter is how many calls about the product are refused as if it were unknown, as while
	// staff are still entering it. Calls refused for their form are not counted. Defaults to 0.
	AppearsAfter int
}

// withDefaults fills in the defaults and returns an error for the first bad field.
func (cfg Config) withDefaults() (Config, error) {
	bad := func(field, problem string) (Config, error) {
		return cfg, check.Bad("elevatetest", "Config."+field, problem)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Path == "" {
		cfg.Path = "/api/registration"
	}
	if cfg.Profile == nil {
		return bad("Profile", "is missing; name elevate.GuessedProfile() to use our guess")
	}
	if wrong, malformed := errors.AsType[*check.InputError](cfg.Profile.Check()); malformed {
		return bad(wrong.Field, wrong.Problem)
	}
	u, err := url.Parse(cfg.BaseURL)
	switch basic := cfg.Profile.Auth == elevate.AuthBasic; {
	case !strings.HasPrefix(cfg.Path, "/") || strings.ContainsAny(cfg.Path, "{}"):
		return bad("Path", "does not begin with a slash, or has braces")
	case strings.HasPrefix(cfg.Path, productPath):
		return bad("Path", "lies among the product pages")
	case basic && cfg.UserName == "":
		return bad("UserName", "is empty, and the profile wants it")
	case basic && cfg.Password == "":
		return bad("Password", "is empty, and the profile wants it")
	case !basic && cfg.Key == "":
		return bad("Key", "is empty")
	case cfg.UpsertDelay < 0:
		return bad("UpsertDelay", "is negative")
	case cfg.BaseURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http"):
		return bad("BaseURL", "is not an http or https URL")
	}
	cfg.BaseURL = strings.TrimSuffix(cfg.BaseURL, "/")
	if cfg.ReportProfile == nil {
		return cfg, nil
	}
	if cfg.ReportKey == "" {
		cfg.ReportKey = cfg.Key
	}
	wrong, malformed := errors.AsType[*check.InputError](cfg.ReportProfile.Check())
	switch {
	case malformed:
		return bad(wrong.Field, wrong.Problem)
	case cfg.ReportKey == "":
		return bad("ReportKey", "is empty")
	case cfg.Path == reportPath:
		return bad("Path", "is the Report API's")
	}
	return cfg, nil
}
