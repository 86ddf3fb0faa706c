package testdb

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"
)

// startMariaDB starts a server on a loopback port whose root needs no password.
// Its settings are the product's own, but that a commit is not synced to the
// disk unless the server is somebody's own: a crash of the machine would lose a
// second, one of the server nothing.
func startMariaDB(ctx context.Context, opts Options) (*Server, error) {
	programs, err := mariaDBPrograms(ctx, opts)
	if err != nil {
		return nil, err
	}
	as, err := serverUser(MariaDB, "mysql", "nobody")
	if err != nil {
		return nil, err
	}
	flush := "2"
	if opts.Own {
		flush = "1"
	}
	ping := func(ctx context.Context, dsn string) error { return withMariaDB(ctx, dsn, "DO 1") }
	return startOnFreePort(ctx, MariaDB, ping, func(ctx context.Context, port string) (*process, string, error) {
		return tryMariaDB(ctx, programs, as, port, flush)
	})
}

func tryMariaDB(ctx context.Context, programs mariaDB, as *syscall.Credential, port, flush string) (_ *process, dsn string, err error) {
	dir, err := serverDir(string(MariaDB), as)
	if err != nil {
		return nil, "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if err := programs.bootstrap(ctx, dir, as); err != nil {
		return nil, "", err
	}
	p, err := spawn(dir, as, programs.server, "--no-defaults", "--datadir="+dir, "--bind-address=127.0.0.1", "--port="+port,
		"--socket="+filepath.Join(dir, "socket"), "--pid-file="+filepath.Join(dir, "pid"), "--skip-name-resolve",
		"--max-connections=500", "--innodb-flush-log-at-trx-commit="+flush, "--innodb-buffer-pool-dump-at-shutdown=OFF")
	return p, "root@tcp(127.0.0.1:" + port + ")/", err
}

// mariaDB is an installation: the server and the SQL of its own tables. Debian's
// script that makes them needs the client's package too, and does no more.
type mariaDB struct {
	server string
	tables []string
}

func mariaDBPrograms(ctx context.Context, opts Options) (mariaDB, error) {
	find := func() bool { return findMariaDB().server != "" }
	err := installed(ctx, opts, MariaDB, "mariadb-server-core", find, "PATH nor /usr/sbin")
	return findMariaDB(), err
}

func findMariaDB() mariaDB {
	server := "/usr/sbin/mariadbd"
	if path, err := exec.LookPath("mariadbd"); err == nil {
		server = path
	}
	if _, err := os.Stat(server); err != nil {
		return mariaDB{}
	}
	for _, share := range []string{"/usr/share/mysql/mysql", "/usr/share/mysql/mariadb", "/usr/share/mariadb/mariadb"} {
		tables := []string{share + "_system_tables.sql", share + "_system_tables_data.sql"}
		if _, err := os.Stat(tables[1]); err == nil {
			return mariaDB{server, tables}
		}
	}
	return mariaDB{}
}

// bootstrap makes the server's own tables.
func (m mariaDB) bootstrap(ctx context.Context, dir string, as *syscall.Credential) error {
	script := []io.Reader{strings.NewReader("CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n")}
	for _, name := range m.tables {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		script = append(script, f)
	}
	cmd := exec.CommandContext(ctx, m.server, "--no-defaults", "--bootstrap", "--datadir="+dir, "--log-warnings=0")
	cmd.Dir, cmd.Stdin, cmd.SysProcAttr = "/", io.MultiReader(script...), &syscall.SysProcAttr{Credential: as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("bootstrap: %w: %s", err, out)
	}
	return nil
}

func createMariaDB(ctx context.Context, admin string) (string, func(context.Context) error, error) {
	cfg, err := mysql.ParseDSN(admin)
	if err != nil {
		return "", nil, errors.New("testdb: " + MariaDB.Variable() + " is no DSN") // the cause could show the password
	}
	name := "amsbridge_" + strings.ToLower(rand.Text())
	if err := withMariaDB(ctx, admin, "CREATE DATABASE "+name); err != nil {
		return "", nil, fmt.Errorf("testdb: create a database: %w", err)
	}
	cfg.DBName = name
	return cfg.FormatDSN(), func(ctx context.Context) error {
		if err := withMariaDB(ctx, admin, "DROP DATABASE IF EXISTS "+name); err != nil {
			return fmt.Errorf("testdb: drop a database: %w", err)
		}
		return nil
	}, nil
}

func withMariaDB(ctx context.Context, dsn, statement string) error {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, statement)
	return errors.Join(err, db.Close())
}

func cutMariaDB(ctx context.Context, dsn string) (err error) {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	rows, err := db.QueryContext(ctx, "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user <> 'system user'")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, id := range ids {
		var gone *mysql.MySQLError
		_, err := db.ExecContext(ctx, fmt.Sprintf("KILL %d", id))
		if err != nil && !(errors.As(err, &gone) && gone.Number == noSuchThread) {
			return err
		}
	}
	return nil
}

// noSuchThread: the connection ended by itself meanwhile.
const noSuchThread = 1094
