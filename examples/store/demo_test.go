package main

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/examples/store/shop"
	"github.com/amsbridge/amsbridge/outbox"
)

// build makes the program as a user would.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "store.exe")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

func play(t *testing.T, program string, args ...string) (out, problems string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append([]string{"-demo"}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // the status tells
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

func TestDemo(t *testing.T) {
	t.Parallel()
	program := build(t)
	for _, c := range []struct {
		name string
		args func(t *testing.T) []string
	}{
		{"SQLite", func(*testing.T) []string { return nil }},
		{"PostgreSQL", func(t *testing.T) []string { return []string{"-db", postgres(t)} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, problems, status := play(t, program, c.args(t)...)
			require.Zero(t, status, "%s\n%s", out, problems)
			require.Empty(t, problems)
			lines := strings.Split(strings.TrimSpace(out), "\n")
			require.Equal(t, "demo ok: 10 pushes delivered, 0 pending, 0 parked", lines[len(lines)-1])
			for _, told := range []string{
				"SIGKILL between COMMIT and send: 4 pushes stand in the outbox, the platforms saw 0 calls",
				"SIGKILL between effect and settlement: Elevate made 1 registration",
				"of them repeats 1, effects 1",
				"of the first the outbox has 0 pushes, the platforms saw 0 calls",
				"replaced by U-1003, refunded, the refund undone",
				"U-1001 walked in",
			} {
				require.Contains(t, out, told)
			}
		})
	}
	t.Run("what went wrong", func(t *testing.T) {
		for _, dsn := range []string{"postgres://nobody:geheim@127.0.0.1:1/none", "mysql://127.0.0.1/x"} {
			out, problems, status := play(t, program, "-db", dsn)
			require.Equal(t, 1, status)
			require.NotContains(t, out, "demo ok")
			require.Contains(t, problems, "demo failed: ")
			require.NotContains(t, problems, "geheim")
		}
	})
}

// The demo's count must notice what it is there to notice.
func TestDemoCounts(t *testing.T) {
	t.Parallel()
	keys, err := newKeys()
	require.NoError(t, err)
	sites, err := startQuietly(keys)
	require.NoError(t, err)
	defer func() { require.NoError(t, sites.Close()) }()
	db, err := shop.OpenDatabase(t.Context(), "")
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	b, err := wire(t.Context(), db, sites.Access, demoSender())
	require.NoError(t, err)
	d := &demo{sites: sites, pushes: map[string]string{}}

	o := shop.NewOrder(buyer(), "course-ethics")
	q, err := (shop.Till{DB: db, Hook: b.hook}).Place(t.Context(), o)
	require.NoError(t, err)
	d.note(o, q)
	_, err = d.delivered()
	require.ErrorContains(t, err, "is in no journal")

	ctx, cancel := context.WithCancel(t.Context())
	sent := make(chan error, 1)
	go func() { sent <- b.sender.Run(ctx) }()
	require.Eventually(t, func() bool {
		records, err := b.store.Find(t.Context(), outbox.Query{Subject: o.ID})
		return err == nil && records[0].State == outbox.StateDelivered
	}, 30*time.Second, 10*time.Millisecond)
	cancel()
	require.NoError(t, <-sent)
	n, err := d.delivered()
	require.NoError(t, err)
	require.Equal(t, 1, n)

	d.pushes = map[string]string{}
	_, err = d.delivered()
	require.ErrorContains(t, err, "which no committed order queued")
}
