package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Report is what a run came to.
type Report struct {
	// Orders were paid, RolledBack of them not committed, and Twice reported
	// twice.
	Orders, RolledBack, Twice int
	// Refunds, Reversals and Swaps are what became of orders later. Each refund is
	// reported twice.
	Refunds, Reversals, Swaps int
	// Pushes are what the committed orders must bring in the end, by the orders themselves.
	Pushes int
	// Delivered are at their platform, and the outbox says so. Parked wait in the
	// outbox for a person.
	Delivered, Parked int
	// Lost are neither at their platform nor parked.
	Lost int
	// TakenBack were refunded or given to somebody else, and are not at their platform. ByHand
	// are there still, and a parked message says what staff must do.
	TakenBack, ByHand int
	// Doubled are persons, registrations and confirmation mails that are at a platform
	// beyond the first, add-ons that were added more often than they were given, and what is
	// there though nobody owes it or asks staff to end it.
	Doubled map[string]int
	// Phantom are registrations, add-ons and messages that no committed order
	// asked for, mails to people without a registration, and mails about orders of
	// the past.
	Phantom int
	// Unrecorded are pushes at their platform that the outbox still means to send.
	Unrecorded int
	// Misjudged are parked pushes whose reason is not the right one, and those
	// that should have been parked.
	Misjudged []string
	// Violations are what the sandboxes found wrong with calls.
	Violations int
	// Arrived are parked pushes of which an earlier send was carried out.
	Arrived int
	// Calls are the sandboxes', Faults those of them that misbehaved, by kind.
	Calls  int
	Faults map[string]int
	// ByFate counts the parked pushes by what became of them.
	ByFate map[string]int
	// Mails are the confirmation mails, Unmailed the delivered registrations
	// without one that should have one: a send that may be a repeat asks for none.
	Mails, Unmailed int
	// Locked are the checkouts that a busy SQLite made the shop try again.
	Locked int
	// Jumps are the clock's, and Ahead how far they led.
	Jumps int
	Ahead time.Duration
}

// String returns the figures that a run is judged by.
func (r Report) String() string {
	doubled := 0
	for _, n := range r.Doubled {
		doubled += n
	}
	return fmt.Sprintf("orders=%d pushes=%d delivered=%d parked=%d lost=%d doubled=%d refunds=%d reversals=%d swaps=%d",
		r.Orders, r.Pushes, r.Delivered, r.Parked, r.Lost, doubled, r.Refunds, r.Reversals, r.Swaps)
}

// More returns the other figures, a line each.
func (r Report) More() string {
	faulted := 0
	for _, n := range r.Faults {
		faulted += n
	}
	return fmt.Sprintf(`rolledback=%d twice=%d takenback=%d byhand=%d phantom=%d unrecorded=%d misjudged=%d violations=%d
calls=%d faulted=%d: %s
parked: %s, of which arrived=%d
doubled: %s
mails=%d unmailed=%d
jumps=%d ahead=%s locked=%d`,
		r.RolledBack, r.Twice, r.TakenBack, r.ByHand, r.Phantom, r.Unrecorded, len(r.Misjudged), r.Violations,
		r.Calls, faulted, figures(r.Faults), figures(r.ByFate), r.Arrived, figures(r.Doubled),
		r.Mails, r.Unmailed, r.Jumps, r.Ahead.Round(time.Minute), r.Locked)
}

func figures(m map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s=%d", strings.ReplaceAll(name, " ", "-"), m[name]))
	}
	return strings.Join(parts, " ")
}

// Check returns an error that names every figure which is not as promised, or
// which shows that nothing was put to the test.
func (r Report) Check() error {
	var wrong []string
	for _, c := range []struct {
		bad  bool
		what string
	}{
		{r.Lost != 0, "pushes were lost"},
		{len(figuresAbove(r.Doubled)) > 0, "these are there twice: " + strings.Join(figuresAbove(r.Doubled), ", ")},
		{r.Delivered+r.Parked != r.Pushes, "delivered and parked are not all pushes"},
		{r.Phantom != 0, fmt.Sprintf("%d are there that nobody ordered", r.Phantom)},
		{r.Unrecorded != 0, fmt.Sprintf("%d are delivered, and the outbox does not know", r.Unrecorded)},
		{len(r.Misjudged) != 0, strings.Join(r.Misjudged[:min(5, len(r.Misjudged))], "; ")},
		{r.Violations != 0, fmt.Sprintf("%d violations of the vendors' texts", r.Violations)},
		{r.Pushes == 0 || r.Delivered == 0, "nothing was delivered"},
		{len(r.Faults) == 0, "no call met a fault"},
		{r.Refunds == 0 || r.Reversals == 0 || r.Swaps == 0, "not all of refunds, reversals and swaps were played"},
	} {
		if c.bad {
			wrong = append(wrong, c.what)
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("chaos: %s", strings.Join(wrong, "; "))
	}
	return nil
}

func figuresAbove(m map[string]int) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if m[name] > 0 {
			names = append(names, name)
		}
	}
	return names
}
