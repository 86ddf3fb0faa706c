package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/amsbridge/amsbridge/adapters/elevate"
)

// welcome prints what a shop must set. It is the only place where the
// credentials are shown.
func welcome(out io.Writer, s *sandboxes, public bool) error {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("Sandboxes of Elevate and Notified: not the platforms. They forget what comes in at the end.")
	say("Watch and break them:  %s/", s.base)
	if public {
		say("Others can reach that page, which has no login and shows what your shop sends.")
	}
	say("\nThe credentials below are the sandboxes' own and open nothing else.\n")
	if err := s.sayElevate(say); err != nil {
		return err
	}
	s.sayNotified(say)
	say("Ctrl-C ends it.")
	_, err := io.WriteString(out, b.String())
	return err
}

func (s *sandboxes) sayElevate(say func(string, ...any)) error {
	e := s.cfg.Elevate
	say("Elevate")
	say("  Registration API      %s%s", s.base, registrationPath)
	say("  wire profile          %s", inert(s.cfg.profile.Name, 80))
	if s.cfg.profile.Auth == elevate.AuthBasic {
		say("  user name, password   %s  %s", e.UserName, e.Password)
	} else {
		say("  %-22s%s", "key, sent as "+string(s.cfg.profile.Auth), e.Key)
	}
	say("  Report API            %s%s", s.base, reportPath)
	say("  api_key               %s", e.ReportKey)
	for _, p := range e.Products {
		closed := ""
		if p.Draft || p.Closed {
			closed = ", refuses registrations"
		}
		say("  Remote Product ID     %s (%s%s)", inert(p.RemoteProductID, 80), inert(p.Title, 80), closed)
	}
	register, err := s.curlRegistration()
	if err != nil {
		return err
	}
	report, err := s.curlReport()
	if err != nil {
		return err
	}
	if register != "" {
		say("  try:  %s", register)
	}
	say("  try:  %s\n", report)
	return nil
}

func (s *sandboxes) sayNotified(say func(string, ...any)) {
	n := s.cfg.Notified
	say("Notified")
	say("  API                   %s%s", s.base, notifiedPath)
	for _, a := range n.Accounts {
		say("  customer area         %s", inert(a.Area, 80))
		say("    APIUserAuthCode     %s", a.AuthCode)
		say("    APIUserCredentials  %s", a.Credentials)
	}
	for _, show := range n.Shows {
		needs := ""
		if show.Open {
			needs = ", which needs no registration"
		}
		say("  ShowKey               %d%s", show.Key, needs)
		if len(show.DisplayItems) > 0 {
			say("    display items       %s", inert(strings.Join(show.DisplayItems, ", "), 200))
		}
		for _, p := range show.Packages {
			var keys []string
			for _, a := range p.AddOns {
				keys = append(keys, fmt.Sprint(a.Key))
			}
			say("    ShowPackageKey      %d (%s), with the AddOnItemKeys %s",
				p.Key, inert(p.Name, 80), strings.Join(keys, ", "))
		}
	}
	for _, p := range n.People {
		say("  ExternalUserID        %s%s", inert(p.ID, 80), registered(p))
	}
	if line := s.curlAddOns(); line != "" {
		say("  try:  %s", line)
	}
	say("")
}

func registered(p personConfig) string {
	if len(p.Registrations) == 0 {
		return ", registered for nothing"
	}
	var shows []string
	for _, r := range p.Registrations {
		shows = append(shows, fmt.Sprintf("%d (%s)", r.Show, inert(r.Package, 80)))
	}
	return ", registered for " + strings.Join(shows, ", ")
}
