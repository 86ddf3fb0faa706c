package crash

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// process is a child.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	// started is closed when it says that it is running, ended once it has said
	// all.
	started, ended chan struct{}
	// rolledBack counts pushes; to be read after ended.
	rolledBack int
	failure    strings.Builder
}

// spawn starts this program again as a child.
func spawn(in instructions) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(program), started: make(chan struct{}), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	p.cmd.Stderr = &p.failure
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.listen(stdout)
	return p, nil
}

func (p *process) listen(stdout io.Reader) {
	defer close(p.ended)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		var n int
		switch _, err := fmt.Sscanf(lines.Text(), saysRolledBack+" %d", &n); {
		case err == nil:
			p.rolledBack += n
		case lines.Text() == saysRunning:
			close(p.started)
		}
	}
}

// awaitStart returns once the child is running.
func (p *process) awaitStart(ctx context.Context) error {
	select {
	case <-p.started:
		return nil
	case <-p.ended:
		return p.fail(p.cmd.Wait())
	case <-ctx.Done():
		return ctx.Err()
	}
}

// kill ends the child by SIGKILL. That it had ended already is an error.
func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	<-p.ended
	wait := p.cmd.Wait()
	if err != nil || p.cmd.ProcessState.Exited() {
		return p.fail(errors.Join(err, wait))
	}
	return nil
}

// signal sends the child a signal.
func (p *process) signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// stop lets the child end in good order.
func (p *process) stop() error {
	if err := p.stdin.Close(); err != nil {
		return err
	}
	return p.awaitEnd()
}

// awaitEnd waits until the child has ended in good order.
func (p *process) awaitEnd() error {
	<-p.ended
	if err := p.cmd.Wait(); err != nil {
		return p.fail(err)
	}
	return nil
}

func (p *process) fail(err error) error {
	return fmt.Errorf("crash: a child ended by itself: %w: %s", errors.Join(err, io.ErrUnexpectedEOF), strings.TrimSpace(p.failure.String()))
}
