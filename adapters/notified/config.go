package notified

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Base URLs of the vendor's two data centres. The vendor's text names only the host of the second; that
// its path is the first one's is a guess.
const (
	BaseURL     = "https://api.onlinexperiences.com" + path
	BaseURLAPAC = "https://api.apac.onlinexperiences.com" + path
)

// path is the API's in the vendor's text.
const path = "/scripts/Server.nxp"

// Sizes in the vendor's text. Whether they mean bytes or characters is unknown; bytes are the stricter
// reading.
const (
	maxAuthCode    = 80
	maxCredentials = 80
)

// defaultMaxBody is enough for the longest list of add-ons of one push, in A's XML answer.
const defaultMaxBody = 256 << 10

// Config configures a [Client]. Printing it shows no secret; encoding it would.
type Config struct {
	// AuthCode is the APIUserAuthCode that Notified supplied: 1 to 80 bytes.
	// Required.
	AuthCode string
	// Credentials are the APIUserCredentials that Notified supplied: 1 to 80
	// bytes. They open one customer area. Required.
	Credentials string
	// BaseURL is the API's URL, without a query: https, or plain http where AllowLoopbackHTTP permits it.
	// One without a path, as the vendor's text names the APAC data centre, gets that of the constants.
	// Defaults to the constant BaseURL.
	BaseURL string
	// UseGET sends GET instead of POST. The vendor's text allows both. POST is the default, since a GET
	// puts the credentials, the user ID and, where they are sent, the name and e-mail address into the
	// URL, which proxies and servers log; and long lists of add-ons may exceed their limits. For GET
	// speaks that every public client known to us uses it, and that what a POST needs is unknown:
	// [Client.Check] tries both. A GET opens a connection of its own for each call, since net/http
	// repeats a GET by itself when a reused connection dies, and an opcode such as M would run twice.
	// That costs two round trips more a call (TCP and TLS 1.3), and some two milliseconds of processor time
	// at both ends together: docs/outcomes-notified.md has what was measured. Defaults to false.
	UseGET bool
	// LASCmdInForm sends LASCmd as the first parameter of a POST's form instead of in its URL. Which of
	// them the platform expects is unknown. Defaults to false: the URL, a guess.
	LASCmdInForm bool
	// OutputFormat is the form of the platform's replies. What is answered and
	// done does not depend on it, as far as the vendor's text says. Defaults to
	// FormatXML, which alone shows whether a reply is whole.
	OutputFormat OutputFormat
	// LookupByEmail finds the person by EMailAddress instead of ExternalUserID, for shows whose users
	// have no ID. An e-mail address does not link accounts safely: whoever has it at Notified gets the
	// purchase, even if it is shared or reused, and after a change of address the person is another
	// one. Every call then needs the address, re-sends and refunds included, and a take is stored
	// without one: [amsbridge.NewDestination] refuses the client unless its configuration says that
	// profiles are looked up (see [amsbridge.LookUpProfile]). A grant without an address is rejected,
	// and [Client.MintTicket] is refused. The user ID is not sent at all. Defaults to false.
	LookupByEmail bool
	// UpsertProfile first creates or updates the person by C, in each push that names a ShowPackageKey.
	// It sends the order's first name, last name and e-mail address. They may overwrite newer ones,
	// even those that the person entered: a late message still has the order's. Without them the
	// grant is rejected. Grants of add-ons alone, and takes, send no profile. Defaults to false: the
	// push waits until Notified knows the person.
	UpsertProfile bool
	// MoveToPackage registers by r, which also moves a person from another package of the show to the
	// one bought. What they had there may be lost, add-ons included. Defaults to false: K is asked
	// whether the person is registered, R registers only those who are not, and a person with another
	// package is left for somebody to decide. With UpsertProfile everything goes in one call, CrM; that
	// M chains is a guess.
	MoveToPackage bool
	// Names are the names of parameters and outputs that the vendor's text of M does not give. They
	// default to [DefaultNames].
	Names Names
	// AllowLoopbackHTTP permits plain http to loopback addresses, for sandboxes
	// and tests. Defaults to false: https only.
	AllowLoopbackHTTP bool
	// Concurrency is the most calls at once. Defaults to 100.
	Concurrency int
	// MaxBody is how much of a reply is read, in bytes, from 16 KiB to 1 MiB.
	// Defaults to 256 KiB.
	MaxBody int64
	// RootCAs verify the platform's certificate. Defaults to the system's.
	RootCAs *x509.CertPool
	// Now is the clock that Retry-After dates are read against. Defaults to
	// time.Now.
	Now func() time.Time
	// Version is the version in the User-Agent, "amsbridge/<version>". Defaults to this module's
	// version in the running binary, or "devel".
	Version string
}

// Format writes no secret, whatever the verb.
func (c Config) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "notified.Config{BaseURL: %q}", c.BaseURL)
}

// withDefaults fills in the defaults and checks everything that the HTTP client does not check itself.
func (c Config) withDefaults() (Config, error) {
	c.BaseURL = cmp.Or(c.BaseURL, BaseURL)
	c.MaxBody = cmp.Or(c.MaxBody, defaultMaxBody)
	c.OutputFormat = cmp.Or(c.OutputFormat, FormatXML)
	bad := func(field, problem string) error { return check.Bad("notified", "Config."+field, problem) }
	names, err := c.Names.WithDefaults()
	if e, ok := errors.AsType[*check.InputError](err); ok {
		return c, bad(e.Field, e.Problem)
	}
	c.Names = names
	if problem := secretProblem(c.AuthCode, maxAuthCode); problem != "" {
		return c, bad("AuthCode", problem)
	}
	if problem := secretProblem(c.Credentials, maxCredentials); problem != "" {
		return c, bad("Credentials", problem)
	}
	switch c.OutputFormat {
	case FormatXML, FormatPairs, FormatText:
	default:
		return c, bad("OutputFormat", "is not X, H or T")
	}
	u, err := url.Parse(c.BaseURL)
	if err == nil && u.Host != "" && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == "" {
		c.BaseURL = u.JoinPath(path).String()
	}
	switch {
	case strings.Contains(c.BaseURL, "?"):
		return c, bad("BaseURL", "has a query, where LASCmd must be the first parameter")
	case c.UseGET && c.LASCmdInForm:
		return c, bad("LASCmdInForm", "is set beside UseGET, and a GET has no form")
	}
	return c, nil
}

// secretProblem says what is wrong with an auth code or credentials, without quoting it.
func secretProblem(s string, limit int) string {
	if problem := check.Text(s, limit); problem != "" {
		return problem
	}
	if strings.TrimSpace(s) != s {
		return "is padded with white space"
	}
	return ""
}
