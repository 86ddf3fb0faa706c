package outboxtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/amsbridge/amsbridge/outbox"
)

// Want describes a message that must be queued. Fields that are set must match
// exactly; Items in any order.
type Want struct {
	Destination string
	Kind        string
	Person      string
	Subject     string
	Items       []string
}

// RequireQueued ends the test unless the recorder holds, for each want, a
// message of its own: two wants alike need two messages. Messages that nothing
// was wanted of are let be; compare the length of [Recorder.Messages] where
// they matter. It must be called from the test's own goroutine.
func RequireQueued[T any](t testing.TB, r *Recorder[T], want ...Want) {
	t.Helper()
	msgs := r.Messages()
	if missing := unmatched(msgs, want); len(missing) > 0 {
		t.Fatal(queuedFailure(msgs, want, missing))
	}
}

// unmatched gives each want a message, moving earlier wants to others of theirs
// where that helps, and returns the indexes of those left without.
func unmatched(msgs []outbox.Message, want []Want) []int {
	owner := make([]int, len(msgs)) // the want's index + 1
	var give func(w int, tried []bool) bool
	give = func(w int, tried []bool) bool {
		for i := range msgs {
			if tried[i] || !want[w].matches(&msgs[i]) {
				continue
			}
			tried[i] = true
			if owner[i] == 0 || give(owner[i]-1, tried) {
				owner[i] = w + 1
				return true
			}
		}
		return false
	}
	var missing []int
	for w := range want {
		if !give(w, make([]bool, len(msgs))) {
			missing = append(missing, w)
		}
	}
	return missing
}

func (w Want) matches(m *outbox.Message) bool {
	return (w.Destination == "" || w.Destination == m.Destination) &&
		(w.Kind == "" || w.Kind == m.Kind) &&
		(w.Person == "" || w.Person == m.Person) &&
		(w.Subject == "" || w.Subject == m.Subject) &&
		(len(w.Items) == 0 || slices.Equal(sorted(w.Items), sorted(m.Items)))
}

func sorted(items []string) []string { return slices.Sorted(slices.Values(items)) }

func queuedFailure(msgs []outbox.Message, want []Want, missing []int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d wanted messages are not queued:\n", len(missing), len(want))
	for _, w := range missing {
		fmt.Fprintf(&b, "  want[%d]: %s\n", w, want[w])
	}
	fmt.Fprintf(&b, "queued are %d:\n", len(msgs))
	for i := range msgs {
		m := &msgs[i]
		fmt.Fprintf(&b, "  %s\n", Want{m.Destination, m.Kind, m.Person, m.Subject, m.Items})
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// String lists the fields that are set.
func (w Want) String() string {
	var set []string
	for _, f := range []struct{ name, value string }{
		{"destination", w.Destination},
		{"kind", w.Kind},
		{"person", w.Person},
		{"subject", w.Subject},
	} {
		if f.value != "" {
			set = append(set, fmt.Sprintf("%s %q", f.name, f.value))
		}
	}
	if len(w.Items) > 0 {
		set = append(set, fmt.Sprintf("items %q", w.Items))
	}
	if len(set) == 0 {
		return "any message"
	}
	return strings.Join(set, ", ")
}
