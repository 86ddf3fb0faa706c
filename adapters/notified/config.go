package notified

import (
	"crypto/x509"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/amsbridge/amsbridge"
)

// Base URLs of the vendor's two data centres. That the second has the path of
// the first is a guess: the vendor's text names its host alone.
const (
	BaseURL     = "https://api.onlinexperiences.com/scripts/Server.nxp"
	BaseURLAPAC = "https://api.apac.onlinexperiences.com/scripts/Server.nxp"
)

// Sizes of the vendor's text. Whether it means bytes or characters is unknown;
// bytes are the stricter reading.
const (
	maxAuthCode    = 80
	maxCredentials = 80
)

// Config sets up a [Client]. Printing it shows no secret; encoding it would.
type Config struct {
	// AuthCode is the APIUserAuthCode that Notified supplied: 1 to 80 bytes.
	// Required.
	AuthCode string
	// Credentials are the APIUserCredentials that Notified supplied: 1 to 80
	// bytes. They open one customer area. Required.
	Credentials string
	// BaseURL is the API's whole URL, without a query: https, or plain http as
	// AllowLoopbackHTTP says. Defaults to the constant BaseURL.
	BaseURL string
	// UseGET sends GET instead of POST. The credentials and the user ID then
	// stand in the URL, which proxies and servers log, and long lists of
	// add-ons may exceed what they take. Defaults to false.
	UseGET bool
	// LASCmdInForm sends LASCmd as the first parameter of a POST's form instead
	// of its URL. Which of them the platform wants is unknown. Defaults to
	// false: the URL, a guess.
	LASCmdInForm bool
	// OutputFormat is the form of the platform's replies. What is answered and
	// done does not depend on it, as far as the vendor's text says. Defaults to
	// FormatXML, which alone shows whether a reply is whole.
	OutputFormat OutputFormat
	// AllowLoopbackHTTP permits plain http to loopback addresses, for sandboxes
	// and tests. Defaults to false: https only.
	AllowLoopbackHTTP bool
	// Concurrency is how many calls run at once at most. Defaults to 100.
	Concurrency int
	// MaxBody is how much of a reply is read, in bytes, from 16 KiB to 1 MiB.
	// Defaults to 64 KiB.
	MaxBody int64
	// RootCAs verify the platform's certificate. Defaults to the system's.
	RootCAs *x509.CertPool
	// Now is the clock that Retry-After dates are read against. Defaults to
	// time.Now.
	Now func() time.Time
	// Version is the User-Agent's, "amsbridge/<version>". Defaults to this
	// module's version in the running binary, or "devel".
	Version string
}

// String shows nothing secret.
func (c Config) String() string {
	return "notified.Config{BaseURL: " + fmt.Sprintf("%q", c.BaseURL) + "}"
}

// GoString shows nothing secret.
func (c Config) GoString() string { return c.String() }

func (c Config) check() error {
	for _, f := range []struct {
		name, value string
		limit       int
	}{{"AuthCode", c.AuthCode, maxAuthCode}, {"Credentials", c.Credentials, maxCredentials}} {
		if problem := secretProblem(f.value, f.limit); problem != "" {
			return &amsbridge.InputError{Field: f.name, Problem: problem}
		}
	}
	switch {
	case !c.OutputFormat.known():
		return &amsbridge.InputError{Field: "OutputFormat", Problem: "is not X, H or T"}
	case strings.Contains(c.BaseURL, "?"):
		return &amsbridge.InputError{Field: "BaseURL", Problem: "has a query, where LASCmd must be the first parameter"}
	case c.UseGET && c.LASCmdInForm:
		return &amsbridge.InputError{Field: "LASCmdInForm", Problem: "is set beside UseGET, and a GET has no form"}
	}
	return nil
}

func secretProblem(s string, limit int) string {
	switch {
	case s == "":
		return "is empty"
	case len(s) > limit:
		return fmt.Sprintf("is longer than %d bytes", limit)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return "has control characters or is not valid UTF-8"
	case strings.TrimSpace(s) != s:
		return "is padded with white space"
	}
	return ""
}
