package conformance

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// joinsAs returns the error of a sender that joins.
func joinsAs(t *testing.T, queue outbox.Queue) error {
	t.Helper()
	_, err := queue.Join(t.Context(), outbox.Joining{By: "proof", Length: time.Minute})
	return err
}

// A sender that could never send says so when it joins, and names what it lacks.
func TestSendersProveTheirRights(t *testing.T) {
	t.Parallel()
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		r := postgresRoles(t)
		store := sqlProgram(t, sqlstore.PostgreSQL, "pgx", r.dsn("sender")).store
		require.NoError(t, joinsAs(t, store))
		for _, right := range []string{"DELETE ON amsbridge_flight", "UPDATE ON amsbridge_shard", "INSERT ON amsbridge_attempt", "SELECT ON amsbridge_entry"} {
			_, err := r.admin.ExecContext(t.Context(), "REVOKE "+right+" FROM "+r.prefix+"sender")
			require.NoError(t, err)
			require.ErrorContains(t, joinsAs(t, store), right)
		}
	})
	t.Run("mariadb", func(t *testing.T) {
		t.Parallel()
		r := mariaRoles(t)
		store := sqlProgram(t, sqlstore.MySQL, "mysql", r.dsn("sender")).store
		require.NoError(t, joinsAs(t, store))
		for _, table := range []string{"amsbridge_attempt", "amsbridge_flight"} {
			var name string
			require.NoError(t, r.admin.QueryRowContext(t.Context(), "SELECT DATABASE()").Scan(&name))
			_, err := r.admin.ExecContext(t.Context(), fmt.Sprintf("REVOKE INSERT ON `%s`.%s FROM %ssender", name, table, r.prefix))
			require.NoError(t, err)
			require.ErrorContains(t, joinsAs(t, store), table)
		}
	})
}

// Whatever keeps outcomes from being recorded, a sender that joins finds it.
func TestSendersProveThatOutcomesAreRecorded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		setup setup
		texts []string
	}{
		"a trigger of PostgreSQL that drops deletions": {setups[2], []string{
			"CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
			"CREATE TRIGGER keep BEFORE DELETE ON amsbridge_queue FOR EACH ROW EXECUTE FUNCTION keep()",
		}},
		"no log": {setups[2], []string{"DROP TABLE amsbridge_attempt"}},
		"a trigger of SQLite that refuses the log": {setups[0], []string{
			"CREATE TRIGGER keep BEFORE INSERT ON amsbridge_attempt BEGIN SELECT RAISE(ABORT, 'read the manual'); END",
		}},
		"a trigger of MariaDB that refuses flights": {setups[4], []string{
			"CREATE TRIGGER keep BEFORE INSERT ON amsbridge_flight FOR EACH ROW SIGNAL SQLSTATE '45000'",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := c.setup.open(t)
			require.NoError(t, joinsAs(t, e.store))
			for _, text := range c.texts {
				_, err := e.db.ExecContext(t.Context(), text)
				require.NoError(t, err)
			}
			require.ErrorContains(t, joinsAs(t, e.store), "prove the sender")
		})
	}
}

// Nothing of a proof stays, and none is in the way of another.
func TestSendersProofsLeaveNothing(t *testing.T) {
	onEngines(t, func(t *testing.T, e *env) {
		errs := make(chan error, 8)
		for range 8 {
			go func() { errs <- joinsAs(t, e.store) }()
		}
		for range 8 {
			require.NoError(t, <-errs)
		}
		for _, table := range []string{"message", "queue", "attempt", "flight"} {
			var n int
			require.NoError(t, e.db.QueryRowContext(t.Context(), "SELECT count(*) FROM amsbridge_"+table).Scan(&n))
			require.Zero(t, n, table)
		}
	})
}
