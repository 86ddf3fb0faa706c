// Package stage builds what the scenes play on: the example store and the
// sandboxes as their users run them, pages of a foreign site, and a small shop
// whose cookie is stricter than the store's.
package stage

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Build compiles the example of that name into a folder, and returns the
// program's file.
func Build(ctx context.Context, folder, example string) (string, error) {
	file := filepath.Join(folder, example)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", file, "github.com/amsbridge/amsbridge/examples/"+example)
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("examples/%s does not compile: %w\n%s", example, err, said)
	}
	return file, nil
}

// program is a running program.
type program struct {
	cmd *exec.Cmd
	out *bufio.Reader
	log *buffer
}

// startsWithin is how long a program may take to print its addresses, and
// stopsWithin how long to end.
const (
	startsWithin = 30 * time.Second
	stopsWithin  = 20 * time.Second
)

func run(ctx context.Context, file string, args ...string) (*program, error) {
	p := &program{cmd: exec.CommandContext(ctx, file, args...), log: &buffer{}}
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = stopsWithin
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	return p, p.cmd.Start()
}

// says reads what the program prints at its start.
func (p *program) says(read func(*bufio.Reader) (string, error)) (string, error) {
	late := time.AfterFunc(startsWithin, func() { _ = p.cmd.Process.Kill() }) // the pipe closes, and the reading ends
	text, err := read(p.out)
	if !late.Stop() {
		err = errors.Join(err, errors.New("it took too long"))
	}
	return text, err
}

// Stop ends the program, and tells whether it ended in good order.
func (p *program) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.AfterFunc(stopsWithin, func() { _ = p.cmd.Process.Kill() }) // Wait then says so
	defer late.Stop()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%s ended badly: %w", filepath.Base(p.cmd.Path), err)
	}
	return nil
}

// Log is what the program wrote to its log so far.
func (p *program) Log() string { return p.log.String() }

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
