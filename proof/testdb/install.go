package testdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// installed makes sure that find succeeds, where it may: by installing a package
// on Debian.
func installed(ctx context.Context, opts Options, engine Engine, name string, find func() bool, places string) error {
	if find() {
		return nil
	}
	missing := &MissingError{engine, "its programs are in neither " + places + ", and " + engine.Variable() + " is not set"}
	if _, err := os.Stat("/etc/debian_version"); err != nil || !opts.Install || os.Geteuid() != 0 {
		return missing
	}
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", name}} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = opts.Log, opts.Log
		if err := cmd.Run(); err != nil {
			missing.Reason = "it is not installed, and apt-get " + args[0] + " failed: " + err.Error()
			return missing
		}
	}
	if !find() {
		return missing
	}
	return nil
}

// serverUser is whom the server runs as: us, or the first of those users who
// exists where we are root, whom no server runs as.
func serverUser(engine Engine, names ...string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, &MissingError{engine, fmt.Sprintf("it does not run as root, and there is no user of %q", names)}
}

// serverDir makes the server's directory.
func serverDir(program string, as *syscall.Credential) (string, error) {
	dir, err := os.MkdirTemp("", "amsbridge-"+program+"-*")
	if err != nil || as == nil {
		return dir, err
	}
	if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
		return "", errors.Join(err, os.Remove(dir))
	}
	return dir, nil
}

// startOnFreePort tries thrice: another process may take the port before the
// server does. The server is up once an empty statement succeeds.
func startOnFreePort(ctx context.Context, engine Engine, ping func(ctx context.Context, dsn string) error,
	start func(ctx context.Context, port string) (*process, string, error),
) (*Server, error) {
	for try := 0; ; try++ {
		s, err := startOn(ctx, engine, ping, start)
		if err == nil {
			return s, nil
		}
		if ctx.Err() != nil || try == 2 {
			return nil, fmt.Errorf("testdb: start %s: %w", engine, err)
		}
	}
}

func startOn(ctx context.Context, engine Engine, ping func(ctx context.Context, dsn string) error,
	start func(ctx context.Context, port string) (*process, string, error),
) (*Server, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	p, dsn, err := start(ctx, port)
	if err != nil {
		return nil, err
	}
	s := &Server{Engine: engine, DSN: dsn, process: p, ready: func(ctx context.Context) error { return ping(ctx, dsn) }}
	if err := p.await(ctx, s.ready); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return s, nil
}

func freePort(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}
