package testdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Options say how far [Start] may go.
type Options struct {
	// Install installs the engine with apt-get where it is missing, on Debian
	// and as root. Defaults to false.
	Install bool
	// Log receives what is done besides. Defaults to nowhere.
	Log io.Writer
}

// Server is a running database server.
type Server struct {
	// Engine is its product.
	Engine Engine
	// DSN belongs to somebody who may create databases.
	DSN  string
	stop func() error
}

// Start returns the server that the engine's variable names, or starts one. It
// returns a [*MissingError] where there is none to start. The caller stops it.
func Start(ctx context.Context, engine Engine, opts Options) (*Server, error) {
	if opts.Log == nil {
		opts.Log = io.Discard
	}
	switch dsn := os.Getenv(engine.Variable()); dsn {
	case "":
	case None:
		return nil, &MissingError{engine, engine.Variable() + " says so"}
	default:
		return &Server{Engine: engine, DSN: dsn, stop: func() error { return nil }}, nil
	}
	switch engine {
	case PostgreSQL:
		return startPostgres(ctx, opts)
	case MariaDB:
		return startMariaDB(ctx, opts)
	}
	return nil, &MissingError{engine, "it is not known"}
}

// Stop ends a server that [Start] started, and removes its files. It leaves one
// alone that was running before.
func (s *Server) Stop() error { return s.stop() }

// Create makes a database of a random name, and returns its DSN and what drops
// it again, whoever is still connected.
func (s *Server) Create(ctx context.Context) (dsn string, drop func(context.Context) error, err error) {
	if s.Engine == MariaDB {
		return createMariaDB(ctx, s.DSN)
	}
	return createPostgres(ctx, s.DSN)
}

// guard runs a server in a directory of its own until standard input ends, as
// it does when the process that holds the other end dies of whatever cause;
// then it ends the server without ceremony and removes the directory. $1 is the
// directory, the rest the server's command line.
const guard = `
dir=$1; shift
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
{ cat <&3 >/dev/null; kill -QUIT $server; } 2>/dev/null &
exec 3<&-
wait $server
rm -rf "$dir"
`

// process is a guarded server.
type process struct {
	cmd  *exec.Cmd
	hold *os.File
	log  *os.File
}

// spawn starts a guarded server as that user (nil: our own). It starts no
// goroutine, which would look like a leak to the tests.
func spawn(dir string, as *syscall.Credential, argv ...string) (_ *process, err error) {
	p := &process{}
	defer func() {
		if err != nil {
			_ = p.release()
		}
	}()
	if p.log, err = os.CreateTemp("", "amsbridge-testdb-*.log"); err != nil {
		return nil, err
	}
	if err = os.Remove(p.log.Name()); err != nil {
		return nil, err
	}
	in, hold, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	p.hold = hold
	p.cmd = exec.Command("/bin/sh", append([]string{"-c", guard, "guard", dir}, argv...)...)
	p.cmd.Dir, p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = "/", in, p.log, p.log
	// A group of its own: an interrupt typed at the terminal is for the tests.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as}
	return p, p.cmd.Start()
}

// ended returns an error with the end of the log once the server has ended.
func (p *process) ended() error {
	pid, err := syscall.Wait4(p.cmd.Process.Pid, nil, syscall.WNOHANG, nil)
	if pid == 0 && err == nil {
		return nil
	}
	return errors.New("the server ended: " + p.logTail())
}

func (p *process) logTail() string {
	b := make([]byte, 2048)
	end, err := p.log.Seek(0, io.SeekEnd)
	if err != nil {
		return err.Error()
	}
	n, err := p.log.ReadAt(b, max(0, end-int64(len(b))))
	if err != nil && !errors.Is(err, io.EOF) {
		return err.Error()
	}
	return strings.TrimSpace(string(b[:n]))
}

// stop ends the server and waits until its directory is gone.
func (p *process) stop() error {
	err := p.release()
	if e := p.cmd.Wait(); e != nil && !errors.Is(e, syscall.ECHILD) {
		err = errors.Join(err, e)
	}
	return err
}

func (p *process) release() error {
	var errs []error
	for _, f := range []*os.File{p.hold, p.log} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// await calls ready until it succeeds, the server ends, or half a minute has
// passed.
func (p *process) await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		if ended := p.ended(); ended != nil {
			return ended
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server is not ready: %w; its log: %s", err, p.logTail())
		case <-tick.C:
		}
	}
}
