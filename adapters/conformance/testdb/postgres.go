package testdb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// startPostgres starts a server with default settings, on a loopback port, that
// trusts whoever connects.
func startPostgres(ctx context.Context, opts Options) (*Server, error) {
	bin, err := postgresPrograms(ctx, opts)
	if err != nil {
		return nil, err
	}
	as, err := postgresUser()
	if err != nil {
		return nil, err
	}
	// Another process may take the port before the server does.
	for try := 0; ; try++ {
		p, dsn, err := tryPostgres(ctx, bin, as)
		if err == nil {
			return &Server{Engine: PostgreSQL, DSN: dsn, stop: p.stop}, nil
		}
		if ctx.Err() != nil || try == 2 {
			return nil, fmt.Errorf("testdb: start PostgreSQL: %w", err)
		}
	}
}

func tryPostgres(ctx context.Context, bin string, as *syscall.Credential) (_ *process, dsn string, err error) {
	dir, err := os.MkdirTemp("", "amsbridge-postgres-*")
	if err != nil {
		return nil, "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if as != nil {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			return nil, "", err
		}
	}
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"),
		"-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = "/", &syscall.SysProcAttr{Credential: as}
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("initdb: %w: %s", err, out)
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, "", err
	}
	p, err := spawn(dir, as, filepath.Join(bin, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", port, "-k", "")
	if err != nil {
		return nil, "", err
	}
	dsn = "postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable"
	if err := p.await(ctx, func(ctx context.Context) error { return withPostgres(ctx, dsn, "SELECT 1") }); err != nil {
		return nil, "", errors.Join(err, p.stop())
	}
	return p, dsn, nil
}

// postgresPrograms finds the folder of initdb and postgres: the PATH's, else
// the newest of Debian's.
func postgresPrograms(ctx context.Context, opts Options) (string, error) {
	if bin := findPostgres(); bin != "" {
		return bin, nil
	}
	missing := &MissingError{PostgreSQL, "its programs are in neither PATH nor /usr/lib/postgresql, and " + PostgreSQL.Variable() + " is not set"}
	if _, err := os.Stat("/etc/debian_version"); err != nil || !opts.Install || os.Geteuid() != 0 {
		return "", missing
	}
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", "postgresql"}} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = opts.Log, opts.Log
		if err := cmd.Run(); err != nil {
			missing.Reason = "it is not installed, and apt-get " + args[0] + " failed: " + err.Error()
			return "", missing
		}
	}
	if bin := findPostgres(); bin != "" {
		return bin, nil
	}
	return "", missing
}

func findPostgres() string {
	var found []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			found = append(found, filepath.Dir(real))
		}
	}
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well-formed
	slices.SortFunc(debian, func(a, b string) int { return postgresVersion(b) - postgresVersion(a) })
	for _, dir := range append(found, debian...) {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir
		}
	}
	return ""
}

func postgresVersion(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin))) // 0 sorts last
	return n
}

// postgresUser is whom the server runs as. It refuses to run as root.
func postgresUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
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
	return nil, &MissingError{PostgreSQL, "it does not run as root, and there is no user postgres or nobody"}
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

func createPostgres(ctx context.Context, admin string) (string, func(context.Context) error, error) {
	name := "amsbridge_" + strings.ToLower(rand.Text())
	dsn, err := postgresDSN(admin, name)
	if err != nil {
		return "", nil, err
	}
	if err := withPostgres(ctx, admin, "CREATE DATABASE "+name); err != nil {
		return "", nil, fmt.Errorf("testdb: create a database: %w", err)
	}
	return dsn, func(ctx context.Context) error {
		if err := withPostgres(ctx, admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			return fmt.Errorf("testdb: drop a database: %w", err)
		}
		return nil
	}, nil
}

// postgresDSN puts another database into a DSN of either form.
func postgresDSN(admin, database string) (string, error) {
	if !strings.Contains(admin, "://") {
		return admin + " dbname=" + database, nil
	}
	u, err := url.Parse(admin)
	if err != nil {
		return "", errors.New("testdb: " + PostgreSQL.Variable() + " is no URL") // the cause would show the password
	}
	u.Path = "/" + database
	return u.String(), nil
}

func withPostgres(ctx context.Context, dsn, statement string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}
