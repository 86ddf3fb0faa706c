package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
	"github.com/amsbridge/amsbridge/internal/strictjson"
)

// load reads a configuration file, or the sample where none is named, and fills in
// the credentials that it leaves out: from the file that keeps them where one is
// named, which is written for those that are new. Whether the parts fit together
// is for newSandboxes to find.
func load(file, kept string) (config, error) {
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
		return config{}, err
	}
	made, err := credentialsOf(kept)
	if err != nil {
		return config{}, err
	}
	if err := cfg.complete(folder, made); err != nil {
		return config{}, err
	}
	return cfg, made.keep(kept)
}

// maxConfig is the longest configuration, in bytes.
const maxConfig = 1 << 20

// unmarshal reads one JSON object. No error quotes a value, for a file may hold
// credentials.
func unmarshal(b []byte, cfg *config) error {
	b = bytes.TrimPrefix(b, []byte("\ufeff")) // which some editors put first
	if len(b) > maxConfig {
		return errors.New("config is longer than 1 MiB")
	}
	if err := strictjson.Unmarshal(b, cfg); err != nil {
		bad := err.InputError("sandbox", "config")
		return errors.New(bad.Field + " " + bad.Problem)
	}
	return nil
}

// inConfig is a field's path in the configuration, as errors name it.
func inConfig(path string) string { return strings.TrimSuffix("config."+path, ".") }

// complete checks the address, reads the profile and fills in credentials.
func (c *config) complete(folder string, made *maker) (err error) {
	if u, err := url.Parse(c.BaseURL); c.BaseURL != "" && (err != nil || u.Host == "" ||
		u.Scheme != "http" && u.Scheme != "https" ||
		u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "") {
		return errors.New("config.base_url is not http or https and a host, with nothing after it")
	}
	if c.elevateUpsertDelay, err = delay("elevate.upsert_delay", c.Elevate.UpsertDelay); err != nil {
		return err
	}
	if err := c.readProfile(folder); err != nil {
		return fmt.Errorf("config.elevate.profile_file: %s", withoutPackage(err))
	}
	if err := c.completeNotified(); err != nil {
		return err
	}
	made.fill("elevate.key", &c.Elevate.Key)
	if c.profile.Auth == elevate.AuthBasic {
		made.fill("elevate.user_name", &c.Elevate.UserName)
		made.fill("elevate.password", &c.Elevate.Password)
	}
	for i := range c.Notified.Accounts {
		account := &c.Notified.Accounts[i]
		made.fill(fmt.Sprintf("notified.accounts[%d].auth_code", i), &account.AuthCode)
		made.fill(fmt.Sprintf("notified.accounts[%d].credentials", i), &account.Credentials)
	}
	if c.Elevate.ReportKey == "" {
		c.Elevate.ReportKey = c.Elevate.Key
	}
	return nil
}

func (c *config) readProfile(folder string) error {
	c.profile = elevate.GuessedProfile()
	name := c.Elevate.ProfileFile
	if name == "" {
		return nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(folder, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	c.profile, err = elevate.ReadProfile(f)
	return err
}

// completeNotified reads the texts that stand for something else, and gives
// packages their keys, so that they can be printed.
func (c *config) completeNotified() (err error) {
	n := c.Notified
	switch n.ReAdd {
	case "", "count new":
	case "count all":
		c.reAdd = notifiedtest.CountAll
	case "refuse present":
		c.reAdd = notifiedtest.RefusePresent
	default:
		return errors.New(`config.notified.re_add is not "count new", "count all" or "refuse present"`)
	}
	if c.notifiedUpsertDelay, err = delay("notified.upsert_delay", n.UpsertDelay); err != nil {
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
		return 0, fmt.Errorf(`%s is not a time from 0 to a minute, such as "250ms"`, inConfig(field))
	}
	return d, nil
}
