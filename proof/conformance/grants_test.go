package conformance

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

// documented returns the statements of the SQL block of docs/operations.md whose
// first line is that comment.
func documented(t *testing.T, first string) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	_, block, found := strings.Cut(string(page), "```sql\n-- "+first+"\n")
	require.True(t, found, "docs/operations.md has no block %q", first)
	block, _, found = strings.Cut(block, "```\n")
	require.True(t, found)
	return strings.Split(strings.TrimSuffix(strings.TrimSpace(block), ";"), ";\n")
}

// roles are the roles of docs/operations.md, under names of this test's own, for
// roles are shared by all databases of a server.
type roles struct {
	prefix, password string
	dsn              func(role string) string
	admin            *sql.DB
	rename           *strings.Replacer
}

func newRoles(admin *sql.DB, more ...string) *roles {
	r := &roles{prefix: "t" + strings.ToLower(rand.Text())[:12] + "_", password: rand.Text(), admin: admin}
	r.rename = strings.NewReplacer(append(more, "shop_", r.prefix, "'...'", "'"+r.password+"'")...)
	return r
}

// run runs a documented block.
func (r *roles) run(t *testing.T, db *sql.DB, first string) {
	t.Helper()
	for _, statement := range documented(t, first) {
		_, err := db.ExecContext(t.Context(), r.rename.Replace(statement))
		require.NoError(t, err, statement)
	}
}

var roleNames = []string{"owner", "checkout", "sender", "operator", "eraser"}

func postgresRoles(t *testing.T) *roles {
	t.Helper()
	dsn := testdb.Postgres(t)
	r := newRoles(open(t, "pgx", dsn))
	r.dsn = func(role string) string {
		u, err := url.Parse(dsn)
		require.NoError(t, err)
		u.User = url.UserPassword(r.prefix+role, r.password)
		return u.String()
	}
	t.Cleanup(func() {
		for _, role := range roleNames {
			_, err := r.admin.ExecContext(context.Background(), "DROP OWNED BY "+r.prefix+role)
			require.NoError(t, err)
		}
		for _, role := range roleNames {
			_, err := r.admin.ExecContext(context.Background(), "DROP ROLE "+r.prefix+role)
			require.NoError(t, err)
		}
	})
	r.run(t, r.admin, "PostgreSQL, before the migration, as an administrator of the database.")
	owner := open(t, "pgx", r.dsn("owner"))
	require.NoError(t, sqlstore.Migrate(t.Context(), owner, sqlstore.PostgreSQL))
	r.run(t, owner, "PostgreSQL, after the migration, as shop_owner.")
	return r
}

func mariaRoles(t *testing.T) *roles {
	t.Helper()
	cfg, err := mysql.ParseDSN(testdb.Maria(t))
	require.NoError(t, err)
	r := newRoles(open(t, "mysql", cfg.FormatDSN()), "shop.", cfg.DBName+".")
	r.dsn = func(role string) string {
		as := cfg.Clone()
		as.User, as.Passwd = r.prefix+role, r.password
		return as.FormatDSN()
	}
	t.Cleanup(func() {
		for _, role := range roleNames {
			_, err := r.admin.ExecContext(context.Background(), "DROP USER "+r.prefix+role)
			require.NoError(t, err)
		}
	})
	r.run(t, r.admin, "MariaDB, before the migration, as an administrator.")
	require.NoError(t, sqlstore.Migrate(t.Context(), open(t, "mysql", r.dsn("owner")), sqlstore.MySQL))
	r.run(t, r.admin, "MariaDB, after the migration, as an administrator.")
	return r
}

// Each program does its whole work in the role that docs/operations.md gives it,
// and no role can do what is not its business.
func TestGrants(t *testing.T) {
	t.Parallel()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		r := postgresRoles(t)
		as := func(role string) program[*sql.Tx] { return sqlProgram(t, sqlstore.PostgreSQL, "pgx", r.dsn(role)) }
		shopDay[*sql.Tx]{programs[*sql.Tx]{as("checkout"), as("checkout"), as("sender"), as("operator"), as("eraser")}, t}.play()
		r.refuse(t, "pgx", deniedByPostgres)
		for _, lock := range []string{"UPDATE", "SHARE"} {
			_, err := open(t, "pgx", r.dsn("checkout")).ExecContext(t.Context(), "SELECT id FROM amsbridge_queue FOR "+lock)
			require.True(t, deniedByPostgres(err), "it cannot even hold up a sender: %v", err)
		}
		require.NoError(t, as("operator").store.(*sqlstore.Store).Validate(t.Context()))
		require.True(t, deniedByPostgres(as("checkout").store.(*sqlstore.Store).Validate(t.Context())))
	})
	t.Run("pgx", func(t *testing.T) {
		t.Parallel()
		r := postgresRoles(t)
		as := func(role string) program[pgx.Tx] { return pgxProgram(t, r.dsn(role)) }
		shopDay[pgx.Tx]{programs[pgx.Tx]{as("checkout"), as("checkout"), as("sender"), as("operator"), as("eraser")}, t}.play()
		require.NoError(t, as("operator").store.(*pgxstore.Store).Validate(t.Context()))
	})
}

// MariaDB lets who may read a row lock it too.
func TestGrantsOnMariaDB(t *testing.T) {
	t.Parallel()
	r := mariaRoles(t)
	as := func(role string) program[*sql.Tx] { return sqlProgram(t, sqlstore.MySQL, "mysql", r.dsn(role)) }
	shopDay[*sql.Tx]{programs[*sql.Tx]{as("checkout"), as("checkout"), as("sender"), as("operator"), as("eraser")}, t}.play()
	r.refuse(t, "mysql", deniedByMaria)
	require.NoError(t, as("operator").store.(*sqlstore.Store).Validate(t.Context()))
	require.Error(t, as("checkout").store.(*sqlstore.Store).Validate(t.Context()))
}

// forbidden are statements that a role must not be able to run. A statement that
// changes rows names none that exist: it is refused for the right it needs.
var forbidden = map[string][]string{
	"checkout": append([]string{
		"SELECT detail FROM amsbridge_attempt", "SELECT * FROM amsbridge_attempt", "SELECT sender FROM amsbridge_attempt",
		"SELECT * FROM amsbridge_audit", "SELECT * FROM amsbridge_destination", "SELECT * FROM amsbridge_migration",
		"INSERT INTO amsbridge_attempt (message_id, n) VALUES (0, 1)",
		"INSERT INTO amsbridge_audit (at) VALUES (0)", "INSERT INTO amsbridge_destination (name) VALUES ('x')",
		"INSERT INTO amsbridge_migration (version, applied_at) VALUES (99, 0)",
		"UPDATE amsbridge_queue SET state = 0 WHERE id = 0", "UPDATE amsbridge_queue SET due_at = 0 WHERE id = 0",
		"UPDATE amsbridge_queue SET profile = NULL WHERE id = 0", "DELETE FROM amsbridge_queue WHERE id = 0",
		"DELETE FROM amsbridge_message WHERE id = 0", "DELETE FROM amsbridge_attempt WHERE message_id = 0",
		"UPDATE amsbridge_message SET facts = '' WHERE id = 0",
		"UPDATE amsbridge_entry SET told = 1 WHERE n = 0", "DELETE FROM amsbridge_entry WHERE n = 0",
		"SELECT * FROM amsbridge_task", "INSERT INTO amsbridge_task (mark) VALUES (1)", "SELECT * FROM amsbridge_installation",
	}, ofNobody...),
	"sender": append([]string{
		"SELECT * FROM amsbridge_audit", "INSERT INTO amsbridge_audit (at) VALUES (0)",
		"UPDATE amsbridge_message SET facts = '' WHERE id = 0", "DELETE FROM amsbridge_destination WHERE name = 'x'",
		"UPDATE amsbridge_entry SET body = '' WHERE n = 0", "INSERT INTO amsbridge_entry (n) VALUES (0)",
	}, ofNobody...),
	"operator": append([]string{
		"UPDATE amsbridge_message SET facts = '' WHERE id = 0", "DELETE FROM amsbridge_message WHERE id = 0",
		"UPDATE amsbridge_entry SET told = 1 WHERE n = 0", "DELETE FROM amsbridge_task WHERE mark = 0",
		"UPDATE amsbridge_attempt SET reason = '' WHERE message_id = 0", "DELETE FROM amsbridge_attempt WHERE message_id = 0",
	}, ofNobody...),
	"eraser": append([]string{
		"DELETE FROM amsbridge_message WHERE id = 0", "DELETE FROM amsbridge_attempt WHERE message_id = 0",
	}, ofNobody...),
}

// ofNobody may be done by no role but the owner's.
var ofNobody = []string{
	"UPDATE amsbridge_audit SET reason = '' WHERE id = 0", "DELETE FROM amsbridge_audit WHERE id = 0",
	"UPDATE amsbridge_installation SET identity = '' WHERE adopted_at = 0", "DELETE FROM amsbridge_installation WHERE adopted_at = 0",
	"UPDATE amsbridge_migration SET version = 9 WHERE version = 0", "DELETE FROM amsbridge_migration WHERE version = 0",
	"TRUNCATE TABLE amsbridge_queue", "TRUNCATE TABLE amsbridge_audit", "DROP TABLE amsbridge_attempt",
	"ALTER TABLE amsbridge_queue ADD COLUMN x integer", "CREATE TABLE amsbridge_mine (x integer)",
}

func (r *roles) refuse(t *testing.T, driver string, denied func(error) bool) {
	t.Helper()
	for role, statements := range forbidden {
		db := open(t, driver, r.dsn(role))
		for _, statement := range statements {
			_, err := db.ExecContext(t.Context(), statement)
			require.Error(t, err, "%s can: %s", role, statement)
			require.True(t, denied(err), "%s is not refused for want of a right: %s: %v", role, statement, err)
		}
	}
}

func deniedByPostgres(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "42501"
}

// deniedByMaria: no right on a table, a column, or the database.
func deniedByMaria(err error) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e) && (e.Number == 1142 || e.Number == 1143 || e.Number == 1044)
}
