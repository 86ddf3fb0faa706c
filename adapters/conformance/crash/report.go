package crash

import (
	"fmt"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
)

// Report is what a run came to, counted in pushes.
type Report struct {
	Dialect sqlstore.Dialect
	// Kills is how many children were killed, Met how many of them had messages
	// under lease.
	Kills, Met int
	// Committed is what the shop's committed orders must bring, by the shop's own
	// table. Received is what the platforms carried out, by their journals.
	Committed, Received int
	// Lost was committed and never received. Phantom was received and never
	// committed, or again under another key. Twice was received more than once.
	Lost, Phantom, Twice int
	// RolledBack was asked for in transactions that the shop rolled back.
	RolledBack int
	// Left is what still lies in the queue at the end, parked for certain.
	Left int
	// RecoveryMax is the longest time from a restart until all that was under
	// lease at the kill before it was delivered.
	RecoveryMax time.Duration
}

// String returns the figures on one line.
func (r Report) String() string {
	return fmt.Sprintf("engine=%s kills=%d committed=%d received=%d lost=%d phantom=%d twice=%d rolledback=%d lease_ms=%d recovery_max_ms=%d",
		r.Dialect, r.Kills, r.Committed, r.Received, r.Lost, r.Phantom, r.Twice, r.RolledBack,
		Lease.Milliseconds(), r.RecoveryMax.Milliseconds())
}

// Check returns an error that names every figure that is not as promised, or
// that shows that nothing was put to the test. Recovery may take grace longer
// than a lease: the start of a process, a poll, and what the platforms' own
// faults cost.
func (r Report) Check(grace time.Duration) error {
	var wrong []string
	for _, c := range []struct {
		bad  bool
		what string
	}{
		{r.Lost != 0, "pushes were lost"},
		{r.Phantom != 0, "pushes were received that nobody committed"},
		{r.Received != r.Committed, "received is not committed"},
		{r.Left != 0, fmt.Sprintf("%d messages were parked", r.Left)},
		{r.Committed == 0, "nothing was committed"},
		{r.RolledBack == 0, "nothing was rolled back"},
		{r.Met == 0, "no kill met a message under way"},
		{r.RecoveryMax > Lease+grace, "recovery took too long"},
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
func (r *Report) count(committed []push, received []receipt) {
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
