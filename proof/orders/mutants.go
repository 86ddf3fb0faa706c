package orders

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Mutant is one way to break a rule of orders. One text of one file is replaced by another.
type Mutant struct {
	Name, Rule, File, Old, New string
}

// Mutants are the breaks that the sequences must find.
func Mutants() []Mutant {
	return []Mutant{
		{
			"greedy take", "a take leaves what another seat brings",
			"turnplay.go", `if where != "" || !t.mayHave(u) {`, `if !t.mayHave(u) {`,
		},
		{
			"blind take", "a take takes what the platform may have, not only what it surely has",
			"turn.go", "	case r.sent == never:\n		return false", "	case r.sent != surely:\n		return false",
		},
		{
			"stubborn give", "a give whose seat was given back ends unsent",
			"turnplay.go", "case w.turn == t.f.Turn && w.taken:",
			"case w.turn == t.f.Turn && w.taken && t.f.Turn == 0:",
		},
		{
			"same turn", "each time that a seat is given again is another turn",
			"change.go", "= g.Turn+1, false, false, false", "= max(1, g.Turn), false, false, false",
		},
		{
			"unversioned swap", "a swap without a rising version takes nobody",
			"compareline.go", "case swap && c.rising && !c.cfg.SwapsByHand:", "case swap && !c.cfg.SwapsByHand:",
		},
		{
			"absence speaks", "who is not named any more stays",
			"compareline.go", "		c.stay(ls, s)\n",
			"		s.Off = true\n		if err := c.takeSeat(ls, s); err != nil {\n			return err\n		}\n",
		},
		{
			"remap takes", "what was delivered stays when its product is mapped otherwise",
			"remap.go", "if stays && !exchange && len(gone)+len(added) > 0 {",
			"if stays && exchange && len(gone)+len(added) > 0 {",
		},
		{
			"refund repeats", "one refund takes effect once, whatever its repeats say",
			"refund.go", "		c.tellRefund(c.st.Refunds[i])\n		return nil\n", "		c.st.Refunds[i].Reversed = false\n",
		},
		{
			"reversal forgets", "a reversed refund gives the seats again",
			"refund.go", "	r.Reversed = true\n	c.reversed = map", "	c.reversed = map",
		},
		{
			"other order accepted", "another order under a used ID gives and takes nothing",
			"compare.go", "case both && far, another && !equal:", "case both && far && another && equal:",
		},
		{
			"late report", "a report with a lower version changes nothing",
			"compare.go", "	if stale {\n		return true\n	}\n", "",
		},
		{
			"no overlay", "a turn knows what its sender sent and has not had acknowledged",
			"destination.go", "return maps.Clone(d.sent[m.OrderingKey()])", "return maps.Clone(d.sent[0])",
		},
		{
			"open ends", "what ends with an attempt that is not recorded yet has ended",
			"turn.go", "ended[e.ID] = e.State", "_ = e",
		},
		{
			"doubtful take", "what a take in doubt may have taken, and is owed by now, is given again",
			"turnplay.go", "	if t.m.Doubt != 0 {\n		again =", "	if false {\n		again =",
		},
		{
			"two mails", "a mail is asked for only where no earlier call may have arrived",
			"turnplay.go", "t.g.Had = t.had(t.f.Item)", "t.g.Had = false",
		},
		{
			"task outlives", "a task to cancel by hand ends when it is bought again",
			"turnplay.go", "case r.Kind != KindGive && !r.gives && r.State == outbox.StateParked:", "case false:",
		},
		{
			"cancelled by hand", "what staff cancelled although it is owed is given again",
			"turnplay.go", "if again.empty() || origin.State != outbox.StateMarkedDone && origin.Doubt == 0 {",
			"if origin.State != 0 {",
		},
		{
			"order of IDs", "what the platform may have follows from the order of the attempts",
			"turn.go", "return r.gave(u) && r.seq > gone", "return r.gave(u)",
		},
	}
}

// ErrSurvived is returned for a mutant that no sequence finds.
var ErrSurvived = errors.New("orders: no sequence finds it")

// Caught plays sequences on the store in memory with the mutant's code, in a program of its own, and
// returns what caught it. Root is the folder of the package that is broken.
func (m Mutant) Caught(ctx context.Context, root string, sequences int) (why string, err error) {
	text, err := m.Apply(root)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "amsbridge-mutant-*")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	patched, overlay := filepath.Join(dir, m.File), filepath.Join(dir, "overlay.json")
	replaced := map[string]string{filepath.Join(root, m.File): patched}
	replace, _ := json.Marshal(map[string]any{"Replace": replaced}) // texts always encode
	err = errors.Join(os.WriteFile(patched, text, 0o600), os.WriteFile(overlay, replace, 0o600))
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "orders")
	build := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", program, "./proof/cmd/orders")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	run := exec.CommandContext(ctx, program, "-engine", "memory", "-seed", "1",
		"-sequences", strconv.Itoa(sequences))
	out, err := run.Output()
	_, after, found := bytes.Cut(out, []byte("orders FAILED: mismatch: "))
	switch {
	case found:
		return strings.TrimSpace(string(after)), nil
	case err != nil:
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return "", ErrSurvived
}

// Apply returns the file with the break in it. The text that is replaced must be there once.
func (m Mutant) Apply(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, m.File)) //nolint:gosec // one of our own
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(text, []byte(m.Old)); n != 1 {
		return nil, fmt.Errorf("mutant %q: its text is %d times in %s", m.Name, n, m.File)
	}
	return bytes.Replace(text, []byte(m.Old), []byte(m.New), 1), nil
}
