package testdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Options say how far [Start] may go.
type Options struct {
	// Install installs the engine with apt-get where it is missing, on Debian
	// and as root. Defaults to false.
	Install bool
	// Own starts a server of the caller's own, whatever server the engine's
	// variable names: for whoever means to stop it. A value of [None] still says
	// that none is to be started. What such a server commits is synced to
	// the disk, as by the product's own settings. Defaults to false.
	Own bool
	// Log receives what is done besides. Defaults to nowhere.
	Log io.Writer
}

// Server is a running database server.
type Server struct {
	// Engine is its product.
	Engine Engine
	// DSN belongs to somebody who may create databases.
	DSN string
	// process is nil for a server that was running before.
	process *process
	ready   func(context.Context) error
}

// ErrNotOurs is returned by calls that would stop or start a server that
// [Start] found running.
var ErrNotOurs = errors.New("testdb: the server is not ours to stop")

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
		if !opts.Own {
			return &Server{Engine: engine, DSN: dsn}, nil
		}
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
func (s *Server) Stop() error {
	if s.process == nil {
		return nil
	}
	return s.process.stop()
}

// Crash ends the server at once, its connections with it, and leaves its files
// as they are: PostgreSQL as by "pg_ctl stop -m immediate", MariaDB by SIGKILL.
// It returns once the server has ended.
func (s *Server) Crash(ctx context.Context) error {
	if s.process == nil {
		return ErrNotOurs
	}
	if s.Engine == PostgreSQL {
		return s.process.end(ctx, "QUIT")
	}
	return s.process.end(ctx, "KILL")
}

// Restart starts a server after [Server.Crash], on the same files and port. It
// returns once the server answers, having recovered.
func (s *Server) Restart(ctx context.Context) error {
	if s.process == nil {
		return ErrNotOurs
	}
	if _, err := s.process.hold.WriteString("start\n"); err != nil {
		return fmt.Errorf("testdb: restart %s: %w", s.Engine, err)
	}
	if err := s.process.await(ctx, s.ready); err != nil {
		return fmt.Errorf("testdb: restart %s: %w", s.Engine, err)
	}
	return nil
}

// Cut ends every connection to the server but its own. The server stays up.
func (s *Server) Cut(ctx context.Context) error {
	if s.Engine == MariaDB {
		return cutMariaDB(ctx, s.DSN)
	}
	return cutPostgres(ctx, s.DSN)
}

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
// then it ends the server without ceremony and removes the directory. A line of
// input names a signal for the server; once that has ended it, the line "start"
// starts it again. $1 is the directory, the rest the server's command line.
const guard = `
dir=$1; shift
exec 3<&0
while :; do
	"$@" 3<&- </dev/null &
	server=$!
	{
		if read -r order <&3; then
			: >"$dir/ordered"
			kill -"$order" $server
		else
			kill -QUIT $server; kill -TERM $server # which a program in the background heeds
		fi
	} 2>/dev/null &
	watcher=$!
	wait $server
	if ! [ -e "$dir/ordered" ]; then
		kill $watcher 2>/dev/null
		break
	fi
	wait $watcher
	mv "$dir/ordered" "$dir/down"
	read -r order <&3 || break
	rm "$dir/down"
done
exec 3<&-
rm -rf "$dir"
`

// process is a guarded server.
type process struct {
	dir  string
	cmd  *exec.Cmd
	hold *os.File
	log  *os.File
}

// spawn starts a guarded server as that user (nil: our own). It starts no
// goroutine, which would look like a leak to the tests.
func spawn(dir string, as *syscall.Credential, argv ...string) (_ *process, err error) {
	p := &process{dir: dir}
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

// end ends the server by a signal, and waits until it has.
func (p *process) end(ctx context.Context, signal string) error {
	if _, err := p.hold.WriteString(signal + "\n"); err != nil {
		return err
	}
	return p.await(ctx, func(context.Context) error {
		_, err := os.Stat(filepath.Join(p.dir, "down"))
		return err
	})
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
			return fmt.Errorf("the server is not as it should be: %w; its log: %s", err, p.logTail())
		case <-tick.C:
		}
	}
}
