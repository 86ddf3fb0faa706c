package testdb

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// PgBouncer is no database, but a proxy in front of PostgreSQL.
const PgBouncer Engine = "pgbouncer"

// BouncerConns is how many connections of the server a bouncer shares out.
const BouncerConns = 4

// Bouncer starts a PgBouncer in transaction mode in front of the server of that
// DSN, for as long as the test takes, and returns the DSN through it: a URL
// without anything that a driver would need to know. Where there is none to
// start, the test is skipped, or fails where CI is "true".
func Bouncer(t testing.TB, dsn string) string {
	t.Helper()
	s, err := startBouncer(t.Context(), Options{}, dsn)
	need(t, err)
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s.DSN
}

// HaveBouncer installs PgBouncer where it may and must, and returns a
// [*MissingError] where there is none.
func HaveBouncer(ctx context.Context, opts Options) error {
	find := func() bool { return findBouncer() != "" }
	return installed(ctx, opts, PgBouncer, "pgbouncer", find, "PATH nor /usr/sbin")
}

func findBouncer() string {
	if path, err := exec.LookPath("pgbouncer"); err == nil {
		return path
	}
	const debian = "/usr/sbin/pgbouncer"
	if _, err := os.Stat(debian); err == nil {
		return debian
	}
	return ""
}

func startBouncer(ctx context.Context, opts Options, dsn string) (*Server, error) {
	if err := HaveBouncer(ctx, opts); err != nil {
		return nil, err
	}
	as, err := serverUser(PgBouncer, "postgres", "nobody")
	if err != nil {
		return nil, err
	}
	behind, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("testdb: the DSN of the server behind PgBouncer is none") // the cause could show the password
	}
	ping := func(ctx context.Context, dsn string) error { return withPostgres(ctx, dsn, "SELECT 1") }
	return startOnFreePort(ctx, PgBouncer, ping, func(_ context.Context, port string) (*process, string, error) {
		return tryBouncer(behind, as, port)
	})
}

func tryBouncer(behind *pgx.ConnConfig, as *syscall.Credential, port string) (_ *process, dsn string, err error) {
	dir, err := serverDir(string(PgBouncer), as)
	if err != nil {
		return nil, "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	ini := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(ini, []byte(bouncerConfig(behind, port)), 0o600); err != nil {
		return nil, "", err
	}
	if as != nil {
		if err := os.Chown(ini, int(as.Uid), int(as.Gid)); err != nil {
			return nil, "", err
		}
	}
	p, err := spawn(dir, as, findBouncer(), ini)
	u := url.URL{
		Scheme: "postgres", User: url.User(behind.User), Host: "127.0.0.1:" + port, Path: "/" + behind.Database,
		RawQuery: "sslmode=disable",
	}
	return p, u.String(), err
}

func bouncerConfig(behind *pgx.ConnConfig, port string) string {
	server := []string{
		"host=" + behind.Host, "port=" + strconv.Itoa(int(behind.Port)), "dbname=" + behind.Database, "user=" + behind.User,
	}
	if behind.Password != "" {
		server = append(server, "password="+behind.Password)
	}
	return fmt.Sprintf(`[databases]
%s = %s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %d
max_client_conn = 200
`, behind.Database, strings.Join(server, " "), port, BouncerConns)
}
