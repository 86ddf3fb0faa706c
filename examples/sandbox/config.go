package main

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"

	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// config is what a -config file holds; sample.json is one. Every field may be
// left out, but for those marked as required.
type config struct {
	// BaseURL is how a shop reaches the sandbox where that is not the -addr: behind
	// a proxy that ends TLS, say. It begins the printed endpoints and the Product
	// URLs. Defaults to "http://" and the address listened at.
	BaseURL  string         `json:"base_url"`
	Elevate  elevateConfig  `json:"elevate"`
	Notified notifiedConfig `json:"notified"`

	// What the texts above come to.
	profile                             *elevate.Profile
	reAdd                               notifiedtest.ReAdd
	elevateUpserting, notifiedUpserting time.Duration
}

// elevateConfig is what staff and the vendor set up at Elevate.
type elevateConfig struct {
	// ProfileFile is a wire profile as elevate.ReadProfile reads it over our guess,
	// relative to the configuration's folder. Defaults to the guess alone.
	ProfileFile string `json:"profile_file"`
	// Key is the Registration API's credential, ReportKey the Report API's, and
	// UserName and Password the former's where the profile's way is basic. Those
	// that are left out are made at each start; ReportKey defaults to Key.
	Key       string `json:"key"`
	ReportKey string `json:"report_key"`
	UserName  string `json:"user_name"`
	Password  string `json:"password"`

	Products    []productConfig `json:"products"`
	UpsertDelay string          `json:"upsert_delay"` // such as "250ms": makes doubled persons possible; defaults to none
}

// productConfig is an elevatetest.Product.
type productConfig struct {
	RemoteProductID string `json:"remote_product_id"` // required
	Title           string `json:"title"`             // defaults to remote_product_id
	Slug            string `json:"slug"`              // defaults to one made of remote_product_id
	Draft           bool   `json:"draft"`             // refuses registrations, as Closed does
	Closed          bool   `json:"closed"`
	AppearsAfter    int    `json:"appears_after"` // is unknown to so many calls first
}

// notifiedConfig is what there is at Notified before a shop calls, and how it
// answers. Fields without a word of their own are as in notifiedtest.Config.
type notifiedConfig struct {
	Accounts []accountConfig `json:"accounts"` // required, at least one
	Shows    []showConfig    `json:"shows"`
	People   []personConfig  `json:"people"`

	Names                namesConfig `json:"names"`
	RegistrationIDOutput string      `json:"registration_id_output"`
	ExtraParams          []string    `json:"extra_params"`
	ReAdd                string      `json:"re_add"`       // "count new", the default, "count all" or "refuse present"
	UpsertDelay          string      `json:"upsert_delay"` // such as "250ms"; defaults to none
	CurlyQuotes          bool        `json:"curly_quotes"`
	EncodeText           bool        `json:"encode_text"`
	BlankLines           bool        `json:"blank_lines"`
}

// namesConfig is notified.Names.
type namesConfig struct {
	ShowPackageParam    string `json:"show_package_param"`
	ShowPackageOutput   string `json:"show_package_output"`
	AddOnOutput         string `json:"add_on_output"`
	AddOnsRemovedOutput string `json:"add_ons_removed_output"`
	LoginTicketOutput   string `json:"login_ticket_output"`
	FirstNameParam      string `json:"first_name_param"`
	LastNameParam       string `json:"last_name_param"`
}

// accountConfig is a caller of one customer area. AuthCode and Credentials are
// made at each start where they are left out.
type accountConfig struct {
	Area        string `json:"area"` // required
	AuthCode    string `json:"auth_code"`
	Credentials string `json:"credentials"`
}

// showConfig is a notifiedtest.Show.
type showConfig struct {
	Key          int64           `json:"key"`  // required
	Area         string          `json:"area"` // required, an account's
	Name         string          `json:"name"`
	Packages     []packageConfig `json:"packages"`
	DisplayItems []string        `json:"display_items"`
	Open         bool            `json:"open"`
}

// packageConfig is a notifiedtest.Package.
type packageConfig struct {
	Key      int64         `json:"key"`  // defaults to the show's times 1,000 plus the place in the list
	Name     string        `json:"name"` // required
	Capacity int           `json:"capacity"`
	Full     bool          `json:"full"`
	Closed   bool          `json:"closed"`
	AddOns   []addOnConfig `json:"add_ons"`
}

// addOnConfig is a notifiedtest.AddOn.
type addOnConfig struct {
	Key      int64  `json:"key"`       // required
	RefersTo string `json:"refers_to"` // another package, which makes adding it fail
}

// personConfig is somebody whom Notified knows already, or from the nth call
// about them on.
type personConfig struct {
	ID            string               `json:"id"` // required
	Email         string               `json:"email"`
	Area          string               `json:"area"` // required, an account's
	FromCall      int                  `json:"from_call"`
	Registrations []registrationConfig `json:"registrations"`
}

// registrationConfig is a person's package in a show, now or from the nth call
// about it on.
type registrationConfig struct {
	Show     int64  `json:"show"`    // required
	Package  string `json:"package"` // required, its name
	FromCall int    `json:"from_call"`
}

// load reads a configuration file, or the sample where none is named, and makes
// the credentials that it leaves out. Whether the parts fit together is for
// newSandboxes to find.
func load(file string) (config, error) {
	b, folder := sample, "."
	if file != "" {
		var err error
		if b, err = os.ReadFile(file); err != nil {
			return config{}, fmt.Errorf("-config: %w", err)
		}
		folder = filepath.Dir(file)
	}
	var cfg config
	if err := unmarshal(b, &cfg); err != nil {
		return config{}, fmt.Errorf("-config: %w", err)
	}
	if err := cfg.complete(folder); err != nil {
		return config{}, fmt.Errorf("-config: %w", err)
	}
	return cfg, nil
}

// complete checks the address, reads the profile and makes credentials.
func (c *config) complete(folder string) error {
	if u, err := url.Parse(c.BaseURL); c.BaseURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" ||
		u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "") {
		return check.Bad("main", "base_url", "is not http or https and a host, with nothing after it")
	}
	if err := c.Notified.complete(c); err != nil {
		return err
	}
	var err error
	if c.elevateUpserting, err = delay("elevate.upsert_delay", c.Elevate.UpsertDelay); err != nil {
		return err
	}
	c.profile = elevate.GuessedProfile()
	if c.Elevate.ProfileFile != "" {
		if err := c.readProfile(folder); err != nil {
			return fmt.Errorf("elevate.profile_file: %w", err)
		}
	}
	secrets := []*string{&c.Elevate.Key}
	if c.profile.Auth == elevate.AuthBasic {
		secrets = append(secrets, &c.Elevate.UserName, &c.Elevate.Password)
	}
	for i := range c.Notified.Accounts {
		secrets = append(secrets, &c.Notified.Accounts[i].AuthCode, &c.Notified.Accounts[i].Credentials)
	}
	for _, s := range secrets {
		if *s == "" {
			*s = rand.Text()
		}
	}
	if c.Elevate.ReportKey == "" {
		c.Elevate.ReportKey = c.Elevate.Key
	}
	return nil
}

// complete reads the texts that stand for something else, and gives packages
// their keys, so that they can be printed.
func (n notifiedConfig) complete(c *config) (err error) {
	switch n.ReAdd {
	case "", "count new":
	case "count all":
		c.reAdd = notifiedtest.CountAll
	case "refuse present":
		c.reAdd = notifiedtest.RefusePresent
	default:
		return badAt("notified.re_add", `is not "count new", "count all" or "refuse present"`)
	}
	if c.notifiedUpserting, err = delay("notified.upsert_delay", n.UpsertDelay); err != nil {
		return err
	}
	for _, show := range n.Shows {
		for i := range show.Packages {
			if p := &show.Packages[i]; p.Key == 0 {
				p.Key = show.Key*1000 + int64(i) + 1
			}
		}
	}
	return nil
}

// delay reads a time; empty is none.
func delay(field, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > time.Minute {
		return 0, badAt(field, `is not a time from 0 to a minute, such as "250ms"`)
	}
	return d, nil
}

func (c *config) readProfile(folder string) (err error) {
	name := c.Elevate.ProfileFile
	if !filepath.IsAbs(name) {
		name = filepath.Join(folder, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	c.profile, err = elevate.ReadProfile(c.profile, f)
	_ = f.Close() // it was only read
	return err
}
