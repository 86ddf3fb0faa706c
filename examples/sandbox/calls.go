package main

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
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

// calls merges the journals, the newest call first.
func (s *sandboxes) calls() rows[callView] {
	var all rows[callView]
	for _, journal := range []rows[callView]{
		each(s.elevate.Journal(), registrationCall), each(s.elevate.ReportCalls(), reportCall),
		each(s.notified.Journal(), notifiedCall), each(s.notified.Visits(), visit),
	} {
		all.Shown = append(all.Shown, journal.Shown...)
		all.Total += journal.Total
	}
	slices.SortStableFunc(all.Shown, func(a, b callView) int {
		return cmp.Or(b.Time.Compare(a.Time), b.Seq-a.Seq)
	})
	all.Shown = all.Shown[:min(len(all.Shown), maxRows)]
	return all
}

func registrationCall(c elevatetest.Call) callView {
	what := "register for " + shown(c.RemoteProductID)
	if c.Confirmation {
		what += ", with an email"
	}
	return callView{
		Time: c.Time, Platform: "Elevate", Seq: c.Seq, Person: shown(string(c.UserID)), What: what,
		Answer:     strings.TrimSpace(httpStatus(c.Status) + " " + shown(c.Refusal)),
		Remarks:    remarks(c.Fault.String(), c.Effect, c.Repeat),
		Violations: allShown(c.Violations), Rule: elevateRule,
	}
}

func reportCall(c elevatetest.ReportCall) callView {
	return callView{
		Time: c.Time, Platform: "Elevate report", Seq: c.Seq,
		What:       "report since " + c.Since.Format(time.DateTime),
		Answer:     fmt.Sprintf("%s, rows: %d", httpStatus(c.Status), c.Rows),
		Remarks:    remarks(c.Fault.String(), false, false),
		Violations: allShown(c.Violations), Rule: elevateRule,
	}
}

func notifiedCall(c notifiedtest.Call) callView {
	return callView{
		Time: c.Time, Platform: "Notified", Seq: c.Seq, Person: shown(c.User),
		What: asked(c), Answer: answered(c),
		Remarks:    remarks(c.Fault.String(), c.Effect, c.Repeat),
		Violations: allShown(c.Violations), Rule: notifiedRule,
	}
}

func visit(v notifiedtest.Visit) callView {
	answer := "opened"
	if v.Refused != "" {
		answer = "refused: the ticket is " + shown(v.Refused)
	}
	return callView{
		Time: v.Time, Platform: "Notified", Person: shown(v.User),
		What: fmt.Sprintf("a visit of show %d by a login ticket", v.Show), Answer: answer,
	}
}

// asked says what a call to Notified wants.
func asked(c notifiedtest.Call) string {
	what := "opcodes " + shown(c.OpCodes)
	switch {
	case c.Module != "" && c.OpCodes == "":
		what = "module " + c.Module
	case c.Module != "":
		what = "module " + c.Module + ", " + what
	}
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
			all = append(all, fmt.Sprintf("%s: status %d", shown(r.OpCode), r.Status))
		}
		return strings.Join(all, ", ")
	case c.Status != "":
		return shown(c.Status)
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
