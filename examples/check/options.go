package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/adapters/contract"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/notified"
)

// options are what the flags and the environment say.
type options struct {
	sandbox, loopback bool

	elevateEndpoint, elevateProfile, elevateReport, elevateProducts string
	elevateKey, elevateUser, elevatePassword, elevateReportKey      string
	elevateWindow                                                   time.Duration

	notifiedURL, notifiedUser            string
	notifiedAddOns                       string
	notifiedShow, notifiedPackage        int64
	notifiedAuthCode, notifiedCredential string
}

// errFlags is returned for flags that cannot be read.
var errFlags = errors.New("the flags cannot be read")

// guessed names our guess in a profile file's place.
const guessed = "guessed"

func parse(args []string, env func(string) string, problems io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.BoolVar(&o.sandbox, "sandbox", false, "start sandboxes of both platforms and check those")
	flags.BoolVar(&o.loopback, "allow-loopback-http", false, "allow plain http to this machine, for a sandbox that runs there")
	flags.StringVar(&o.elevateEndpoint, "elevate-endpoint", "", "the Registration API's `URL`")
	flags.StringVar(&o.elevateProfile, "elevate-profile", "",
		"a JSON `file` with what the vendor's PDF says over our guess, or \"guessed\" for the guess alone")
	flags.StringVar(&o.elevateReport, "elevate-report", "", "the Report API's `URL`, asked for one report by our guess of its format")
	flags.StringVar(&o.elevateProducts, "elevate-products", "", "remote product IDs to look for in the report, with commas between")
	flags.DurationVar(&o.elevateWindow, "elevate-window", 24*time.Hour, "how far back the report goes")
	flags.StringVar(&o.notifiedURL, "notified-url", "", "the API's `URL` (default the vendor's "+notified.BaseURL+")")
	flags.Int64Var(&o.notifiedShow, "notified-show", 0, "the show `key`")
	flags.Int64Var(&o.notifiedPackage, "notified-package", 0, "the show package `key` of the known user's registration")
	flags.StringVar(&o.notifiedAddOns, "notified-add-ons", "", "add-on keys to look for on it, with commas between")
	flags.StringVar(&o.notifiedUser, "notified-user", "", "the user `ID` of somebody who is registered for the show, such as a test user")
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
	o.notifiedAuthCode, o.notifiedCredential = env("AMSBRIDGE_NOTIFIED_AUTH_CODE"), env("AMSBRIDGE_NOTIFIED_CREDENTIALS")
	if o.elevateReportKey == "" {
		o.elevateReportKey = o.elevateKey
	}
	if o.elevateEndpoint == "" && (named["elevate-profile"] || named["elevate-report"] || named["elevate-products"] || named["elevate-window"]) {
		return o, errors.New("-elevate-endpoint is missing beside the other flags of Elevate")
	}
	return o, nil
}

// checks sets up both clients as a shop would. It sends nothing.
func (o options) checks() ([]check, error) {
	var all []check
	if o.elevateEndpoint != "" {
		c, err := o.elevate()
		if err != nil {
			return nil, fmt.Errorf("the settings of Elevate: %w", err)
		}
		all = append(all, c)
	}
	if o.notifiedAuthCode+o.notifiedCredential+o.notifiedURL+o.notifiedUser+o.notifiedAddOns != "" || o.notifiedShow != 0 || o.notifiedPackage != 0 {
		c, err := o.notified()
		if err != nil {
			return nil, fmt.Errorf("the settings of Notified: %w", err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("nothing to check: -sandbox shows how it looks, and -h lists the flags")
	}
	return all, nil
}

func (o options) elevate() (check, error) {
	profile, err := o.profile()
	if err != nil {
		return check{}, err
	}
	credentials := elevate.Key(o.elevateKey)
	if profile.Auth == elevate.AuthBasic {
		credentials = elevate.UserPassword(o.elevateUser, o.elevatePassword)
	}
	client, err := elevate.New(elevate.Config{
		Endpoint: o.elevateEndpoint, Profile: profile, Credentials: credentials, AllowLoopbackHTTP: o.loopback,
	})
	if err != nil {
		return check{}, from(err, "Credentials", "AMSBRIDGE_ELEVATE_KEY, or AMSBRIDGE_ELEVATE_USER and AMSBRIDGE_ELEVATE_PASSWORD")
	}
	cfg := elevate.CheckConfig{Window: o.elevateWindow, RemoteProductIDs: list(o.elevateProducts)}
	if o.elevateReport != "" {
		cfg.Reports, err = elevate.NewReports(elevate.ReportsConfig{
			Endpoint: o.elevateReport, Profile: elevate.GuessedReportProfile(), APIKey: elevate.Key(o.elevateReportKey), AllowLoopbackHTTP: o.loopback,
		})
		if err != nil {
			return check{}, from(err, "APIKey", "AMSBRIDGE_ELEVATE_REPORT_KEY")
		}
	}
	return check{"Elevate", func(ctx context.Context) []contract.Finding { return client.Check(ctx, cfg) }}, nil
}

// profile reads the profile's file. Our guess must be asked for by its name.
func (o options) profile() (*elevate.Profile, error) {
	switch o.elevateProfile {
	case "":
		_, err := elevate.New(elevate.Config{}) // whose error says what only the vendor can tell
		return nil, fmt.Errorf("-elevate-profile names no file, nor %q: %w", guessed, err)
	case guessed:
		return elevate.GuessedProfile(), nil
	}
	file, err := os.Open(o.elevateProfile)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	return elevate.ReadProfile(elevate.GuessedProfile(), file)
}

func (o options) notified() (check, error) {
	client, err := notified.New(notified.Config{
		BaseURL: o.notifiedURL, AuthCode: o.notifiedAuthCode, Credentials: o.notifiedCredential, AllowLoopbackHTTP: o.loopback,
	})
	if err != nil {
		return check{}, from(from(err, "AuthCode", "AMSBRIDGE_NOTIFIED_AUTH_CODE"), "Credentials", "AMSBRIDGE_NOTIFIED_CREDENTIALS")
	}
	cfg := notified.CheckConfig{
		ShowKey: o.notifiedShow, ShowPackageKey: o.notifiedPackage, KnownUser: notified.Person{UserID: amsbridge.UserID(o.notifiedUser)},
	}
	for _, text := range list(o.notifiedAddOns) {
		key, err := strconv.ParseInt(text, 10, 64)
		if err != nil || key <= 0 {
			return check{}, errors.New("-notified-add-ons holds one that is not a key in digits")
		}
		cfg.AddOnKeys = append(cfg.AddOnKeys, key)
	}
	return check{"Notified", func(ctx context.Context) []contract.Finding { return client.Check(ctx, cfg) }}, nil
}

// from says which variables a bad field comes from.
func from(err error, field, variables string) error {
	if bad, ok := errors.AsType[*amsbridge.InputError](err); ok && bad.Field == field {
		return fmt.Errorf("%w (from the environment: %s)", err, variables)
	}
	return err
}

// list splits at commas and leaves out what is empty.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}
