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
	Engine  string
	Session time.Duration
	// Kills is how many faults there were, Met how many of them met messages in
	// flight, Faults how many there were of each kind.
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
	// AtOnce counts attempts at a platform that began before another one of the same person there had ended,
	// OutOfOrder first attempts of what was inserted before something that had its own already, and Unmarked
	// repeats of what the platform had carried out that were not marked as possible duplicates.
	AtOnce, OutOfOrder, Unmarked int
	// Wrong are examples of them, and Log the faults and when they began.
	Wrong, Log []string
	// RecoveryMax is the longest time from when a process ran, after one was killed, until the first of what that
	// one had in flight was received and settled, and WholeMax until all was; where the process lived that long.
	// Messages that have cost two sessions in a row are isolated, so sent one by one: where there were no others
	// the time counts for IsolatedMax instead. DatabaseRecoveryMax is from a fault of the database until all was
	// received, its restart included.
	RecoveryMax, WholeMax, IsolatedMax, DatabaseRecoveryMax time.Duration
	// Slowest is the timeline of the message behind RecoveryMax.
	Slowest string
}

// String returns the figures on one line.
func (r Report) String() string {
	return fmt.Sprintf("engine=%s kills=%d committed=%d received=%d lost=%d phantom=%d twice=%d rolledback=%d "+
		"at_once=%d out_of_order=%d unmarked=%d session_ms=%d recovery_max_ms=%d",
		r.Engine, r.Kills, r.Committed, r.Received, r.Lost, r.Phantom, r.Twice, r.RolledBack,
		r.AtOnce, r.OutOfOrder, r.Unmarked, r.Session.Milliseconds(), r.RecoveryMax.Milliseconds())
}

// More returns what the line leaves out.
func (r Report) More() string {
	var faults []string
	for _, what := range slices.Sorted(maps.Keys(r.Faults)) {
		faults = append(faults, fmt.Sprintf("%s: %d", what, r.Faults[what]))
	}
	ms := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	return fmt.Sprintf("%s; %s; met messages in flight: %d; all was received within %s of a restart, %s of a fault of the database, "+
		"isolated messages within %s of a restart\n  slowest that was not isolated: %s",
		r.Engine, strings.Join(faults, ", "), r.Met, ms(r.WholeMax), ms(r.DatabaseRecoveryMax), ms(r.IsolatedMax), r.Slowest) + strings.Join(append([]string{""}, r.Wrong...), "\n  ") + r.faults()
}

// faults tells when each fault began, where something was wrong.
func (r Report) faults() string {
	if len(r.Wrong) == 0 {
		return ""
	}
	return "\n  " + strings.Join(r.Log, "\n  ")
}

// Check returns an error that names every figure that is not as promised, or
// that shows that nothing was put to the test. Recovery from a killed process
// may take grace longer than a session.
func (r Report) Check(grace time.Duration) error {
	var wrong []string
	for _, c := range []struct {
		bad  bool
		what string
	}{
		{r.Lost != 0, "pushes were lost"},
		{r.Phantom != 0, "pushes were received that nobody committed"},
		{r.Received != r.Committed, "received is not committed"},
		{r.AtOnce != 0, "two attempts of a person were under way at once"},
		{r.OutOfOrder != 0, "first attempts were out of order"},
		{r.Unmarked != 0, "repeats were not marked"},
		{len(r.Parked) != 0, fmt.Sprintf("messages were parked: %v", r.Parked)},
		{r.Committed == 0, "nothing was committed"},
		{r.RolledBack == 0, "nothing was rolled back"},
		{r.Met == 0, "no fault met a message in flight"},
		{r.RecoveryMax == 0, "no recovery was measured"},
		{r.RecoveryMax > r.Session+grace, "recovery took too long"},
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
	seen := map[attempt]bool{}
	for _, c := range received {
		if seen[c.attempt] {
			continue // another call of one attempt
		}
		seen[c.attempt] = true
		times[c.key]++
		switch key, known := keyOf[c.push]; {
		case times[c.key] == 2:
			r.Twice++
		case times[c.key] > 2:
		case !wanted[c.push], known && key != c.key:
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
