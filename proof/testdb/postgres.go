package testdb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// startPostgres starts a server on a loopback port that trusts whoever connects:
// with default settings for a caller of its own, and otherwise without syncing,
// for a test that fills a million rows would have all others wait for the disk.
func startPostgres(ctx context.Context, opts Options) (*Server, error) {
	bin, err := postgresPrograms(ctx, opts)
	if err != nil {
		return nil, err
	}
	as, err := serverUser(PostgreSQL, "postgres", "nobody")
	if err != nil {
		return nil, err
	}
	ping := func(ctx context.Context, dsn string) error { return withPostgres(ctx, dsn, "SELECT 1") }
	return startOnFreePort(ctx, PostgreSQL, ping, func(ctx context.Context, port string) (*process, string, error) {
		return tryPostgres(ctx, bin, as, port, opts.Own)
	})
}

func tryPostgres(ctx context.Context, bin string, as *syscall.Credential, port string, synced bool) (_ *process, dsn string, err error) {
	dir, err := serverDir(string(PostgreSQL), as)
	if err != nil {
		return nil, "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"),
		"-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = "/", &syscall.SysProcAttr{Credential: as}
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("initdb: %w: %s", err, out)
	}
	argv := []string{filepath.Join(bin, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", port, "-k", ""}
	if !synced {
		argv = append(argv, "-c", "fsync=off")
	}
	p, err := spawn(dir, as, argv...)
	return p, "postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable", err
}

// postgresPrograms finds the folder of initdb and postgres: the PATH's, else
// the newest of Debian's.
func postgresPrograms(ctx context.Context, opts Options) (string, error) {
	find := func() bool { return findPostgres() != "" }
	err := installed(ctx, opts, PostgreSQL, "postgresql", find, "PATH nor /usr/lib/postgresql")
	return findPostgres(), err
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

func cutPostgres(ctx context.Context, dsn string) error {
	return withPostgres(ctx, dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "+
		"WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
}
