package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/contract"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/notified"
)

// check looks at one platform.
type check struct {
	platform string
	run      func(context.Context) []contract.Finding
}

// checks sets up both clients as a shop would. It sends nothing.
func (o options) checks() ([]check, error) {
	var all []check
	if o.elevateEndpoint != "" {
		c, err := o.elevateCheck()
		if err != nil {
			return nil, fmt.Errorf("the settings of Elevate: %w", err)
		}
		all = append(all, c)
	}
	texts := o.notifiedURL + o.notifiedUser + o.notifiedAddOns + o.notifiedAuthCode + o.notifiedCredentials
	if texts != "" || o.notifiedShow != 0 || o.notifiedPackage != 0 {
		c, err := o.notifiedCheck()
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

func (o options) elevateCheck() (check, error) {
	client, err := o.elevateClient()
	if err != nil {
		return check{}, err
	}
	cfg := elevate.CheckConfig{Window: o.elevateWindow, RemoteProductIDs: list(o.elevateProducts)}
	if o.elevateReport != "" {
		cfg.Reports, err = elevate.NewReports(elevate.ReportsConfig{
			Endpoint: o.elevateReport, Profile: elevate.GuessedReportProfile(),
			APIKey: elevate.Key(o.elevateReportKey), AllowLoopbackHTTP: o.loopback,
		})
		if err != nil {
			return check{}, from(err, "APIKey", "AMSBRIDGE_ELEVATE_REPORT_KEY")
		}
	}
	run := func(ctx context.Context) []contract.Finding { return client.Check(ctx, cfg) }
	return check{"Elevate", run}, nil
}

func (o options) elevateClient() (*elevate.Client, error) {
	profile, err := o.profile()
	if err != nil {
		return nil, err
	}
	credentials := elevate.Key(o.elevateKey)
	if profile.Auth == elevate.AuthBasic {
		credentials = elevate.UserPassword(o.elevateUser, o.elevatePassword)
	}
	client, err := elevate.New(elevate.Config{
		Endpoint: o.elevateEndpoint, Profile: profile, Credentials: credentials,
		AllowLoopbackHTTP: o.loopback,
	})
	return client, from(err, "Credentials",
		"AMSBRIDGE_ELEVATE_KEY, or AMSBRIDGE_ELEVATE_USER and AMSBRIDGE_ELEVATE_PASSWORD")
}

// guessed names our guess in a profile file's place.
const guessed = "guessed"

// profile reads the profile's file. Our guess must be asked for by its name.
func (o options) profile() (*elevate.Profile, error) {
	switch o.elevateProfile {
	case "":
		_, err := elevate.New(elevate.Config{}) // whose error says what a profile holds
		return nil, fmt.Errorf("-elevate-profile names no file, nor %q: %w", guessed, err)
	case guessed:
		return elevate.GuessedProfile(), nil
	}
	file, err := os.Open(o.elevateProfile)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	return elevate.ReadProfile(file)
}

func (o options) notifiedCheck() (check, error) {
	client, err := o.notifiedClient()
	if err != nil {
		return check{}, err
	}
	cfg := notified.CheckConfig{
		ShowKey: o.notifiedShow, ShowPackageKey: o.notifiedPackage,
		KnownUser: notified.Person{UserID: amsbridge.UserID(o.notifiedUser)},
	}
	for _, text := range list(o.notifiedAddOns) {
		key, err := strconv.ParseInt(text, 10, 64)
		if err != nil || key <= 0 {
			return check{}, errors.New("-notified-add-ons holds one that is not a key in digits")
		}
		cfg.AddOnKeys = append(cfg.AddOnKeys, key)
	}
	run := func(ctx context.Context) []contract.Finding { return client.Check(ctx, cfg) }
	return check{"Notified", run}, nil
}

func (o options) notifiedClient() (*notified.Client, error) {
	client, err := notified.New(notified.Config{
		BaseURL: o.notifiedURL, AuthCode: o.notifiedAuthCode, Credentials: o.notifiedCredentials,
		AllowLoopbackHTTP: o.loopback,
	})
	err = from(err, "AuthCode", "AMSBRIDGE_NOTIFIED_AUTH_CODE")
	return client, from(err, "Credentials", "AMSBRIDGE_NOTIFIED_CREDENTIALS")
}

// from says which variables a bad field comes from.
func from(err error, field, variables string) error {
	if bad, ok := errors.AsType[*amsbridge.InputError](err); ok && strings.HasSuffix(bad.Field, field) {
		return fmt.Errorf("%w (from the environment: %s)", err, variables)
	}
	return err
}
