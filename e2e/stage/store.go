// Package stage builds what the scenes play on: the example store as its users
// run it, pages of a foreign site, and a small shop whose cookie is stricter
// than the store's.
package stage

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Build compiles the example store into a folder, and returns the program.
func Build(ctx context.Context, folder string) (string, error) {
	program := filepath.Join(folder, "store")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/amsbridge/amsbridge/examples/store")
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the store does not compile: %w\n%s", err, said)
	}
	return program, nil
}

// Store is a running store, with the sandboxes beside it. The addresses have no
// slash at their end.
type Store struct {
	Shop     string `json:"shop"`
	Elevate  string `json:"elevate"`
	Notified string `json:"notified"`

	cmd *exec.Cmd
	log *buffer
}

// startsWithin is how long the store may take to print its addresses, and
// stopsWithin how long to end.
const (
	startsWithin = 30 * time.Second
	stopsWithin  = 20 * time.Second
)

// Start runs the store on free ports, with an empty SQLite file in a folder.
func Start(ctx context.Context, program, folder string) (*Store, error) {
	s := &Store{log: &buffer{}}
	s.cmd = exec.CommandContext(ctx, program, "-addr", "127.0.0.1:0", "-json", "-db", filepath.Join(folder, "shop.sqlite"))
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = stopsWithin
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	late := time.AfterFunc(startsWithin, func() { _ = s.cmd.Process.Kill() }) // the pipe closes, and the reading ends
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, s)
	}
	if !late.Stop() || err != nil || s.Shop == "" || s.Elevate == "" || s.Notified == "" {
		return nil, errors.Join(fmt.Errorf("the store printed no addresses: %q", line), err, s.Stop(), errors.New(s.Log()))
	}
	return s, nil
}

// Stop ends the store, and tells whether it ended in good order.
func (s *Store) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.AfterFunc(stopsWithin, func() { _ = s.cmd.Process.Kill() }) // Wait then says so
	defer late.Stop()
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("the store ended badly: %w", err)
	}
	return nil
}

// Log is what the store wrote to its log so far.
func (s *Store) Log() string { return s.log.String() }

// buffer takes a log while others read it.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
