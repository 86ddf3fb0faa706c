package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
)

// curlRegistration is the request that elevate.Client would send for a person
// and the first open product; empty where there is none.
func (s *sandboxes) curlRegistration() (string, error) {
	e := s.cfg.Elevate
	i := slices.IndexFunc(e.Products, func(p productConfig) bool {
		return !p.Closed && !p.Draft && p.AppearsAfter == 0
	})
	if i < 0 {
		return "", nil
	}
	basic := s.cfg.profile.Auth == elevate.AuthBasic
	credentials := elevate.Key(e.Key)
	if basic {
		credentials = elevate.UserPassword(e.UserName, e.Password)
	}
	client, err := elevate.New(elevate.Config{
		Endpoint: "http://127.0.0.1" + registrationPath, // never called
		Profile:  s.cfg.profile, Credentials: credentials, SendConfirmation: true, AllowLoopbackHTTP: true,
	})
	bad, ok := errors.AsType[*amsbridge.InputError](err)
	if ok && strings.HasSuffix(bad.Field, "Credentials") {
		field := "key"
		if basic {
			field = "user_name"
		}
		return "", fmt.Errorf("config.elevate.%s is what no client can send: the credentials %s",
			field, bad.Problem)
	}
	if err != nil {
		return "", err
	}
	seen, err := client.Preview(amsbridge.Grant{
		User: amsbridge.User{
			ID: "U-1001", FirstName: "Ada", LastName: "Example", Email: "ada@example.org",
		},
		Item: amsbridge.Item{RemoteProductID: e.Products[i].RemoteProductID},
	})
	if bad, ok := errors.AsType[*amsbridge.InputError](err); ok {
		return "", fmt.Errorf("config.elevate.products[%d].remote_product_id %s", i, bad.Problem)
	}
	if err != nil {
		return "", err
	}
	key, err := json.Marshal(e.Key)
	if err != nil {
		return "", err
	}
	// The preview masks the credentials; here they are wanted.
	body := bytes.Replace(seen.Body, []byte(`"`+elevate.Masked+`"`), key, 1)
	args := []string{s.base + registrationPath}
	for _, name := range slices.Sorted(maps.Keys(seen.Header)) {
		v := strings.Replace(seen.Header.Get(name), elevate.Masked, e.Key, 1)
		switch {
		case name == "Authorization" && basic:
			args = append(args, "-u", e.UserName+":"+e.Password)
		case !strings.Contains(v, elevate.PreviewKey): // our own, which no other shop sends
			args = append(args, "-H", name+": "+v)
		}
	}
	return curl(append(args, "-d", string(body))...), nil
}

// curlReport asks for all registrations.
func (s *sandboxes) curlReport() (string, error) {
	p, since := elevate.GuessedReportProfile(), time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	var body strings.Builder
	lines := json.NewEncoder(&body)
	lines.SetEscapeHTML(false) // for people to read
	err := lines.Encode(map[string]any{
		"api_key": s.cfg.Elevate.ReportKey, "format": p.Format, "labels": p.Labels,
		"resource": "productRegistration", "fields": p.Fields,
		"filters": map[string]any{"transaction_at": map[string]any{">=": since.Format(p.TimeLayouts[0])}},
	})
	if err != nil {
		return "", err
	}
	data := strings.TrimSpace(body.String())
	return curl(s.base+reportPath, "-H", "Content-Type: application/json", "-d", data), nil
}

// curlAddOns adds the first add-on of the first person who is registered; empty
// where there is nobody.
func (s *sandboxes) curlAddOns() string {
	n := s.cfg.Notified
	for _, p := range n.People {
		for _, r := range p.Registrations {
			addOn, ok := n.firstAddOn(r)
			if !ok {
				continue
			}
			i := slices.IndexFunc(n.Accounts, func(a accountConfig) bool { return a.Area == p.Area })
			account := n.Accounts[i]
			args := []string{s.base + notifiedPath + "?LASCmd=AI:4;F:APIUTILS!50500"}
			for _, pair := range []string{
				"APIUserAuthCode=" + account.AuthCode, "APIUserCredentials=" + account.Credentials,
				"OpCodeList=M", "OutputFormat=X", "LookupByExternalUserID=1", "ExternalUserID=" + p.ID,
				fmt.Sprintf("ShowKey=%d", r.Show), fmt.Sprintf("AddOnsChangeList=%d", addOn),
			} {
				args = append(args, "--data-urlencode", pair)
			}
			return curl(args...)
		}
	}
	return ""
}

// firstAddOn is the first one that opcode M takes.
func (n notifiedConfig) firstAddOn(r registrationConfig) (int64, bool) {
	for _, show := range n.Shows {
		for _, p := range show.Packages {
			for _, a := range p.AddOns {
				if show.Key == r.Show && p.Name == r.Package && a.RefersTo == "" {
					return a.Key, true
				}
			}
		}
	}
	return 0, false
}

// plainWord finds what a shell takes as it is.
var plainWord = regexp.MustCompile(`^[-A-Za-z0-9:/._=]+$`)

// curl is a command line for a POSIX shell.
func curl(args ...string) string {
	line := "curl -sS"
	for _, a := range args {
		if !plainWord.MatchString(a) {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		line += " " + a
	}
	return line
}
