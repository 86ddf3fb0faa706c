package main

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// callView is one call, to either platform.
type callView struct {
	Time         time.Time
	Platform     string
	Seq          int
	Person, What string
	Answer       string
	Remarks      string
	Violations   []string
	Rule         string // what they violate
}

// What a call is held to. Elevate's field names are not public.
const (
	elevateRule  = "the wire profile"
	notifiedRule = "the vendor’s text, as the sandbox reads it"
)

// calls merges the journals.
func (s *sandboxes) calls() rows[callView] {
	elevate, reports, notified, visits := s.elevate.Journal(), s.elevate.ReportCalls(), s.notified.Journal(), s.notified.Visits()
	var all []callView
	for _, c := range latest(elevate).Shown {
		what := "register for " + inert(c.RemoteProductID, maxText)
		if c.Confirmation {
			what += ", with an email"
		}
		all = append(all, callView{
			c.Time, "Elevate", c.Seq, inert(string(c.UserID), maxText), what,
			strings.TrimSpace(httpStatus(c.Status) + " " + inert(c.Refusal, maxText)), remarks(c.Fault.String(), c.Effect, c.Repeat), inertAll(c.Violations), elevateRule,
		})
	}
	for _, c := range latest(reports).Shown {
		all = append(all, callView{
			c.Time, "Elevate report", c.Seq, "", "report since " + c.Since.Format(time.DateTime), fmt.Sprintf("%s, rows: %d", httpStatus(c.Status), c.Rows),
			remarks(c.Fault.String(), false, false), inertAll(c.Violations), elevateRule,
		})
	}
	for _, c := range latest(notified).Shown {
		all = append(all, callView{
			c.Time, "Notified", c.Seq, inert(c.User, maxText), asked(c), answered(c),
			remarks(c.Fault.String(), c.Effect, c.Repeat), inertAll(c.Violations), notifiedRule,
		})
	}
	for _, c := range latest(visits).Shown {
		answer := "opened"
		if c.Refused != "" {
			answer = "refused: the ticket is " + inert(c.Refused, maxText)
		}
		all = append(all, callView{Time: c.Time, Platform: "Notified", Person: inert(c.User, maxText), What: fmt.Sprintf("a visit of show %d by a login ticket", c.Show), Answer: answer})
	}
	slices.SortStableFunc(all, func(a, b callView) int { return cmp.Or(b.Time.Compare(a.Time), b.Seq-a.Seq) })
	return rows[callView]{all[:min(len(all), maxRows)], len(elevate) + len(reports) + len(notified) + len(visits)}
}

// asked says what a call to Notified wants.
func asked(c notifiedtest.Call) string {
	what := "opcodes " + inert(c.OpCodes, maxText)
	if c.Show != 0 {
		what += fmt.Sprintf(", show %d", c.Show)
	}
	if c.Package != 0 {
		what += fmt.Sprintf(", package %d", c.Package)
	}
	if len(c.AddOns) > 0 {
		what += ", add-ons " + list(c.AddOns)
	}
	return what
}

// answered says what each opcode came to.
func answered(c notifiedtest.Call) string {
	switch {
	case len(c.Results) > 0:
		var all []string
		for _, r := range c.Results {
			all = append(all, fmt.Sprintf("%s: status %d", inert(r.OpCode, maxText), r.Status))
		}
		return strings.Join(all, ", ")
	case c.Status != "":
		return inert(c.Status, maxText)
	}
	return "none yet, or the fault’s"
}

// httpStatus says an HTTP status in words.
func httpStatus(status int) string {
	if status == 0 {
		return "no answer yet, or cut"
	}
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// remarks says what came of a call, and what it met.
func remarks(fault string, effect, repeat bool) string {
	said := []string{"changed nothing"}
	if effect {
		said[0] = "changed something"
	}
	if repeat {
		said = append(said, "same Amsbridge-Key as before")
	}
	if fault != "none" {
		said = append(said, "met the fault “"+fault+"”")
	}
	return strings.Join(said, "; ")
}
