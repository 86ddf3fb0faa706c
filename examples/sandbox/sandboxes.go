package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// Where the APIs are. Elevate's paths are the sandbox's: the Registration API's
// is not public. Notified's is from the vendor's text.
const (
	registrationPath = "/api/registration"
	reportPath       = "/api/reports/"
	productPath      = "/products/"
	notifiedPath     = "/scripts/Server.nxp"
)

// sandboxes are the two platforms.
type sandboxes struct {
	cfg      config
	base     string // begins every endpoint, without a slash at its end
	elevate  *elevatetest.Server
	notified *notifiedtest.Server
}

// newSandboxes sets up both. Its error names the field as the configuration file
// does.
func newSandboxes(cfg config, base string) (*sandboxes, error) {
	s := &sandboxes{cfg: cfg, base: base}
	var err error
	if s.elevate, err = elevatetest.New(cfg.elevate()); err != nil {
		return nil, inFile("elevate", err)
	}
	if s.notified, err = notifiedtest.New(cfg.notified()); err != nil {
		return nil, inFile("notified", err)
	}
	return s, s.admit()
}

func (c config) elevate() elevatetest.Config {
	e := c.Elevate
	made := elevatetest.Config{
		BaseURL: c.BaseURL, Path: registrationPath, Profile: c.profile,
		Key: e.Key, UserName: e.UserName, Password: e.Password,
		ReportProfile: elevate.GuessedReportProfile(), ReportKey: e.ReportKey,
		UpsertDelay: c.elevateUpsertDelay,
	}
	for _, p := range e.Products {
		made.Products = append(made.Products, elevatetest.Product(p))
	}
	return made
}

func (c config) notified() notifiedtest.Config {
	n := c.Notified
	made := notifiedtest.Config{
		Names: notifiedtest.Names(n.Names), RegistrationIDOutput: n.RegistrationIDOutput,
		ExtraParams: n.ExtraParams, ReAdd: c.reAdd, UpsertDelay: c.notifiedUpsertDelay,
		CurlyQuotes: n.CurlyQuotes, EncodeText: n.EncodeText, BlankLines: n.BlankLines,
	}
	for _, a := range n.Accounts {
		made.Accounts = append(made.Accounts, notifiedtest.Account{
			AuthCode: a.AuthCode, Credentials: a.Credentials, Area: a.Area,
		})
	}
	for _, s := range n.Shows {
		show := notifiedtest.Show{
			Key: s.Key, Area: s.Area, Name: s.Name, DisplayItems: s.DisplayItems, Open: s.Open,
		}
		for _, p := range s.Packages {
			pkg := notifiedtest.Package{
				Key: p.Key, Name: p.Name, Capacity: p.Capacity, Full: p.Full, Closed: p.Closed,
			}
			for _, a := range p.AddOns {
				pkg.AddOns = append(pkg.AddOns, notifiedtest.AddOn(a))
			}
			show.Packages = append(show.Packages, pkg)
		}
		made.Shows = append(made.Shows, show)
	}
	return made
}

// admit has Notified know the people of the configuration.
func (s *sandboxes) admit() error {
	for i, p := range s.cfg.Notified.People {
		at := fmt.Sprintf("config.notified.people[%d]", i)
		user := notifiedtest.User{ID: p.ID, Email: p.Email}
		switch err := s.notified.AddUserLater(p.Area, user, p.FromCall); {
		case errors.Is(err, notifiedtest.ErrNoArea):
			return fmt.Errorf("%s.area is no account's", at)
		case err != nil:
			return fmt.Errorf("%s has no id of 1 to 255 bytes, or an e-mail address of more", at)
		}
		for j, r := range p.Registrations {
			at := fmt.Sprintf("%s.registrations[%d]", at, j)
			switch err := s.notified.RegisterLater(p.ID, r.Show, r.Package, r.FromCall); {
			case errors.Is(err, notifiedtest.ErrNoPackage):
				return fmt.Errorf("%s.package is none of the show's", at)
			case err != nil:
				return fmt.Errorf("%s.show is no show of the person's area", at)
			}
		}
	}
	return nil
}

// reset forgets all but the configuration, and lets both behave.
func (s *sandboxes) reset() error {
	s.elevate.Reset()
	s.notified.Reset()
	return s.admit()
}

var wordEnd = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])`)

// inFile names the field of an input error as the file does: the names there are
// those in Go, in lower case and with underscores.
func inFile(platform string, err error) error {
	bad, ok := errors.AsType[*amsbridge.InputError](err)
	if !ok {
		return err
	}
	field := bad.Field
	if _, after, found := strings.Cut(field, "Config."); found {
		field = after
	}
	field = strings.ToLower(wordEnd.ReplaceAllString(field, "${1}${3}_${2}${4}"))
	return fmt.Errorf("%s %s", inConfig(platform+"."+field), bad.Problem)
}

// withoutPackage is an error without the name of the package that made it.
func withoutPackage(err error) string {
	if bad, ok := errors.AsType[*amsbridge.InputError](err); ok {
		return bad.Field + " " + bad.Problem
	}
	return err.Error()
}
