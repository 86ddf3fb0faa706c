// Package servers starts what the scenarios are played against: the example
// store and the sandboxes as their users run them, pages of a foreign site, and
// a small shop whose cookie is stricter than the store's.
package servers

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

// Build compiles the examples into a folder, as "store" and "sandbox".
func Build(ctx context.Context, folder string) error {
	const examples = "github.com/amsbridge/amsbridge/examples/"
	cmd := exec.CommandContext(ctx, "go", "build", "-o", folder, examples+"store", examples+"sandbox")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the examples do not compile: %w\n%s", err, out)
	}
	return nil
}

// process is a running program.
type process struct {
	cmd *exec.Cmd
	out *bufio.Reader
	log *logBuffer
}

// startTimeout is how long a program may take to print its addresses, and
// stopTimeout how long to end.
const (
	startTimeout = 30 * time.Second
	stopTimeout  = 20 * time.Second
)

func start(ctx context.Context, file string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, file, args...), log: &logBuffer{}}
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = stopTimeout
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	return p, p.cmd.Start()
}

// readLine reads a line of what the program prints at its start.
func (p *process) readLine() (string, error) {
	// A kill closes the pipe, and the reading ends.
	late := time.AfterFunc(startTimeout, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	return p.out.ReadString('\n')
}

// Stop ends the program, and returns an error if it did not end in good order.
func (p *process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	late := time.AfterFunc(stopTimeout, func() { _ = p.cmd.Process.Kill() }) // Wait then says so
	defer late.Stop()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%s ended badly: %w", filepath.Base(p.cmd.Path), err)
	}
	return nil
}

// Log returns what the program wrote to its log so far.
func (p *process) Log() string { return p.log.String() }

// logBuffer takes a log while others read it.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
