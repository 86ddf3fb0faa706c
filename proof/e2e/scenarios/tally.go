package scenarios

import (
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge/proof/e2e/record"
)

// Tally counts over all scenarios.
type Tally struct {
	played, failed     int
	pages              map[string]bool
	csp, axe, findings int
	handOffs, referers int
}

// Add counts a scenario.
func (t *Tally) Add(r Result) {
	t.played++
	if r.Err != nil || len(r.Findings) > 0 {
		t.failed++
	}
	if t.pages == nil {
		t.pages = map[string]bool{}
	}
	for name := range r.Pages {
		t.pages[name] = true
	}
	t.findings += len(r.Findings)
	t.csp += record.Count(r.Findings, record.CSP)
	t.axe += record.Count(r.Findings, record.Axe)
	t.handOffs += r.HandOffs
	t.referers += r.Referers
}

// OK says whether everything was as it must be, and there was something to
// look at.
func (t Tally) OK() bool {
	return t.failed == 0 && t.findings == 0 && t.played > 0 && len(t.pages) > 0
}

// String is the last line.
func (t Tally) String() string {
	word := "ok"
	if !t.OK() {
		word = fmt.Sprintf("FAILED: failed=%d findings=%d", t.failed, t.findings)
	} else {
		word += ":"
	}
	return fmt.Sprintf("e2e %s scenarios=%d pages=%d csp=%d axe=%d (hand-off forms=%d, Referers read=%d)",
		word, t.played, len(t.pages), t.csp, t.axe, t.handOffs, t.referers)
}

// String says how a scenario went.
func (r Result) String() string {
	story := fmt.Sprintf("%s: %s (%.0f s)", r.Scenario.Name, r.Scenario.Story, r.Took.Seconds())
	if r.Err == nil && len(r.Findings) == 0 {
		return "ok   " + story
	}
	lines := []string{"FAIL " + story}
	if r.Err != nil {
		lines = append(lines, "     "+r.Err.Error())
	}
	for _, f := range r.Findings {
		lines = append(lines, "     "+f.String())
	}
	return strings.Join(lines, "\n")
}
