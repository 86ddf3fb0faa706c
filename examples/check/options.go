package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/adapters/notified"
)

// options are what the flags and the environment say.
type options struct {
	sandbox, loopback bool

	elevateEndpoint, elevateProfile, elevateReport, elevateProducts string
	elevateKey, elevateUser, elevatePassword, elevateReportKey      string
	elevateWindow                                                   time.Duration

	notifiedURL, notifiedUser             string
	notifiedAddOns                        string
	notifiedShow, notifiedPackage         int64
	notifiedAuthCode, notifiedCredentials string
}

// errFlags is returned for flags that package flag has complained of.
var errFlags = errors.New("the flags cannot be read")

func parse(args []string, env func(string) string, problems io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.BoolVar(&o.sandbox, "sandbox", false, "start sandboxes of both platforms and check those")
	flags.BoolVar(&o.loopback, "allow-loopback-http", false,
		"allow plain http to this machine, for a sandbox that runs there")
	flags.StringVar(&o.elevateEndpoint, "elevate-endpoint", "", "the Registration API's `URL`")
	flags.StringVar(&o.elevateProfile, "elevate-profile", "",
		"a JSON `file` with what the vendor's page says (docs/connect-elevate.md), or \"guessed\" for the guess alone")
	flags.StringVar(&o.elevateReport, "elevate-report", "",
		"the Report API's `URL`, asked for one report by our guess of its format")
	flags.StringVar(&o.elevateProducts, "elevate-products", "",
		"remote product IDs to look for in the report, with commas between")
	flags.DurationVar(&o.elevateWindow, "elevate-window", 24*time.Hour, "how far back the report goes")
	flags.StringVar(&o.notifiedURL, "notified-url", "",
		"the API's `URL` (default the vendor's "+notified.BaseURL+")")
	flags.Int64Var(&o.notifiedShow, "notified-show", 0, "the show `key`")
	flags.Int64Var(&o.notifiedPackage, "notified-package", 0,
		"the show package `key` of the known user's registration")
	flags.StringVar(&o.notifiedAddOns, "notified-add-ons", "",
		"add-on keys to look for on it, with commas between")
	flags.StringVar(&o.notifiedUser, "notified-user", "",
		"the user `ID` of somebody who is registered for the show, such as a test user")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return o, err
	case err != nil:
		return o, errFlags
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag; -h lists them", flags.Arg(0))
	}
	named := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { named[f.Name] = true })
	if o.sandbox && len(named) > 1 {
		return o, errors.New("-sandbox checks what it starts itself and goes with no other flag")
	}
	o.elevateKey, o.elevateReportKey = env("AMSBRIDGE_ELEVATE_KEY"), env("AMSBRIDGE_ELEVATE_REPORT_KEY")
	o.elevateUser, o.elevatePassword = env("AMSBRIDGE_ELEVATE_USER"), env("AMSBRIDGE_ELEVATE_PASSWORD")
	o.notifiedAuthCode = env("AMSBRIDGE_NOTIFIED_AUTH_CODE")
	o.notifiedCredentials = env("AMSBRIDGE_NOTIFIED_CREDENTIALS")
	if o.elevateReportKey == "" {
		o.elevateReportKey = o.elevateKey
	}
	for name := range named {
		if o.elevateEndpoint == "" && strings.HasPrefix(name, "elevate-") {
			return o, errors.New("-elevate-endpoint is missing beside the other flags of Elevate")
		}
	}
	return o, nil
}

// list splits at commas and leaves out what is empty.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}
