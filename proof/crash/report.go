package crash

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Report is what a run came to, counted in pushes.
type Report struct {
	Engine string
	Lease  time.Duration
	// Kills is how many faults there were, Met how many of them met messages under
	// lease, Faults how many there were of each kind.
	Kills, Met int
	Faults     map[string]int
	// Committed is what the shop's committed orders must bring, by the shop's own
	// table. Received is what the platforms carried out, by their journals.
	Committed, Received int
	// Lost was committed and never received. Phantom was received and never
	// committed, or again under another key. Twice was received more than once.
	Lost, Phantom, Twice int
	// RolledBack was asked for in transactions that the shop rolled back.
	RolledBack int
	// Parked is what still lies in the queue at the end, by reason.
	Parked map[string]int
	// RecoveryMax is the longest time from the kill of a process until all that it
	// held under lease was received and settled, where the next process ran that
	// long. Messages that have lost two leases in a row are isolated, so sent one by
	// one: where some were held, the time counts for IsolatedMax instead.
	// DatabaseRecoveryMax is the same for faults of the database, its restart
	// included.
	RecoveryMax, IsolatedMax, DatabaseRecoveryMax time.Duration
	// Slowest is the timeline of the message behind RecoveryMax.
	Slowest string
}

// String returns the figures on one line.
func (r Report) String() string {
	return fmt.Sprintf("engine=%s kills=%d committed=%d received=%d lost=%d phantom=%d twice=%d rolledback=%d lease_ms=%d recovery_max_ms=%d",
		r.Engine, r.Kills, r.Committed, r.Received, r.Lost, r.Phantom, r.Twice, r.RolledBack,
		r.Lease.Milliseconds(), r.RecoveryMax.Milliseconds())
}

// More returns what the line leaves out.
func (r Report) More() string {
	var faults []string
	for _, what := range slices.Sorted(maps.Keys(r.Faults)) {
		faults = append(faults, fmt.Sprintf("%s: %d", what, r.Faults[what]))
	}
	return fmt.Sprintf("%s; %s; met messages under lease: %d; all was received within %s of a fault of the database, isolated messages within %s of a kill\n  slowest that was not isolated: %s",
		r.Engine, strings.Join(faults, ", "), r.Met, r.DatabaseRecoveryMax.Round(time.Millisecond),
		r.IsolatedMax.Round(time.Millisecond), r.Slowest)
}

// Check returns an error that names every figure that is not as promised, or
// that shows that nothing was put to the test. Recovery from a killed process
// may take grace longer than a lease: a poll, and the deliveries of each person
// one after the other.
func (r Report) Check(grace time.Duration) error {
	var wrong []string
	for _, c := range []struct {
		bad  bool
		what string
	}{
		{r.Lost != 0, "pushes were lost"},
		{r.Phantom != 0, "pushes were received that nobody committed"},
		{r.Received != r.Committed, "received is not committed"},
		{len(r.Parked) != 0, fmt.Sprintf("messages were parked: %v", r.Parked)},
		{r.Committed == 0, "nothing was committed"},
		{r.RolledBack == 0, "nothing was rolled back"},
		{r.Met == 0, "no kill met a message under way"},
		{r.RecoveryMax == 0, "no recovery was measured"},
		{r.RecoveryMax > r.Lease+grace, "recovery took too long"},
	} {
		if c.bad {
			wrong = append(wrong, c.what)
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("crash: %s", strings.Join(wrong, "; "))
	}
	return nil
}

// count compares what was committed with what was received. Neither comes from
// the outbox's own tables.
func (r *Report) count(committed []push, received []arrival) {
	wanted := map[push]bool{}
	for _, p := range committed {
		wanted[p] = true
	}
	times := map[string]int{}
	keyOf := map[push]string{}
	for _, c := range received {
		times[c.key]++
		switch key, seen := keyOf[c.push]; {
		case times[c.key] == 2:
			r.Twice++
		case times[c.key] > 2:
		case !wanted[c.push], seen && key != c.key:
			r.Phantom++
		}
		if keyOf[c.push] == "" {
			keyOf[c.push] = c.key
		}
	}
	for p := range wanted {
		if _, ok := keyOf[p]; !ok {
			r.Lost++
		}
	}
	r.Committed, r.Received = len(wanted), len(times)
}
