package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

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
		return config{}, err
	}
	return cfg, cfg.complete(folder)
}

// maxConfig is the longest configuration, in bytes.
const maxConfig = 1 << 20

// unmarshal reads one JSON object. A name that is unknown or stands there twice
// is refused: it is a typing error. No error quotes a value, for a file may hold
// credentials.
func unmarshal(b []byte, cfg *config) error {
	b = bytes.TrimPrefix(b, []byte("\ufeff")) // which some editors put first
	switch {
	case len(b) > maxConfig:
		return errors.New("config is longer than 1 MiB")
	case !utf8.Valid(b):
		return errors.New("config is not valid UTF-8")
	}
	line := func(offset int64) int { return 1 + bytes.Count(b[:min(int(offset), len(b))], []byte("\n")) }
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	err := dec.Decode(cfg)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		wants := jsonKind(wrong.Type)
		return fmt.Errorf("%s is not %s, in line %d", inConfig(wrong.Field), wants, line(wrong.Offset))
	}
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("config is not JSON from line %d on", line(wrong.Offset))
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("config is no whole JSON object")
	case err != nil: // an unknown field, whose name may be long
		return fmt.Errorf("config: %s", inert(strings.TrimPrefix(err.Error(), "json: "), 100))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("config is followed by more text")
	}
	return refuseTwice(json.NewDecoder(bytes.NewReader(b)), "config")
}

// jsonKind says what a field takes.
func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Struct:
		return "an object"
	default:
		return "a whole number"
	}
}

// refuseTwice reads the next value and wants no object in it to have a name
// twice, in whatever case: encoding/json would silently take the last.
func refuseTwice(dec *json.Decoder, at string) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('['):
		for i := 0; err == nil && dec.More(); i++ {
			err = refuseTwice(dec, fmt.Sprintf("%s[%d]", at, i))
		}
	case json.Delim('{'):
		seen := map[string]bool{}
		for err == nil && dec.More() {
			name, failed := dec.Token()
			if failed != nil {
				return failed
			}
			path := fmt.Sprintf("%s.%s", at, name)
			folded := strings.ToLower(path)
			if seen[folded] {
				return fmt.Errorf("%s stands there twice", path)
			}
			seen[folded] = true
			err = refuseTwice(dec, path)
		}
	default:
		return nil
	}
	if err == nil {
		_, err = dec.Token() // the end of the list or object
	}
	return err
}

// inConfig is a field's path in the configuration, as errors name it.
func inConfig(path string) string { return strings.TrimSuffix("config."+path, ".") }

// complete checks the address, reads the profile and makes credentials.
func (c *config) complete(folder string) (err error) {
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
	c.profile, err = elevate.ReadProfile(c.profile, f)
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
