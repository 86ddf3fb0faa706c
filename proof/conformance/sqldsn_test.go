package conformance

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

// The DSN is the shop's: whatever way its driver speaks to PostgreSQL, and in
// whatever schema the tables lie, the store keeps its promises. PgBouncer's
// users need the simple protocol.
func TestStoresConformWhateverTheDSN(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ driver, key, value string }{
		"pgx, simple protocol":      {"pgx", "default_query_exec_mode", "simple_protocol"},
		"lib/pq, binary parameters": {"postgres", "binary_parameters", "yes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := setup{name: name, dialect: setups[2].dialect, driver: c.driver, concurrent: true}
			dsn := with(t, testdb.Postgres(t), c.key, c.value)
			admin := open(t, c.driver, dsn)
			var schemas atomic.Int32
			outboxtest.Run(t, func(t *testing.T) outboxtest.Harness[*sql.Tx] {
				t.Parallel()
				// A schema is made in a moment, where a database takes half a second.
				schema := fmt.Sprintf("shop%d", schemas.Add(1))
				_, err := admin.ExecContext(t.Context(), "CREATE SCHEMA "+schema)
				require.NoError(t, err)
				e := s.openAt(t, with(t, dsn, "search_path", schema))
				return outboxtest.Harness[*sql.Tx]{
					Store:      e.store,
					Begin:      func() (*sql.Tx, error) { return e.db.BeginTx(context.Background(), nil) },
					Commit:     (*sql.Tx).Commit,
					Rollback:   func(tx *sql.Tx) { _ = tx.Rollback() },
					Advance:    func(by time.Duration) { e.ahead.Add(int64(by)) },
					Concurrent: s.concurrent,
				}
			})
		})
	}
}

// with adds a parameter to a DSN.
func with(t *testing.T, dsn, key, value string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	if u.Scheme == "" {
		return dsn + " " + key + "=" + value
	}
	q := u.Query()
	q.Set(key, value)
	u.RawQuery = q.Encode()
	return u.String()
}

// Names that a database's locale may think equal are not: they compare byte for
// byte. Locales that the server does not have are skipped.
func TestNamesCompareByBytesInEveryLocale(t *testing.T) {
	t.Parallel()
	for _, locale := range []string{
		"LOCALE 'C'", "LOCALE 'C.UTF-8'",
		// ICU's locales come with the server; the system's must be installed.
		"LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'", "LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'",
	} {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			dsn := testdb.Postgres(t)
			admin := open(t, "pgx", dsn)
			var name string
			require.NoError(t, admin.QueryRowContext(t.Context(), "SELECT current_database() || '_locale'").Scan(&name))
			_, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8' "+locale)
			require.NoError(t, err)
			t.Cleanup(func() {
				_, err := admin.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
				require.NoError(t, err)
			})
			u, err := url.Parse(dsn)
			require.NoError(t, err)
			u.Path = "/" + name
			e := setups[2].openAt(t, u.String())
			names := []string{"abc", "ABC", "aBc", "é", "e\u0301", "I", "i", "ı", "İ", "ss", "ß", "a b", "ab", "a-b", "a\u00adb", "\u200ba"}
			for _, n := range names {
				m := push(n, n)
				m.Subject = n
				require.Len(t, e.insert(t, m), 1)
			}
			for _, n := range names {
				for _, q := range []outbox.Query{{Keys: []string{n}}, {Person: n}, {Subject: n}} {
					found, err := e.store.Find(t.Context(), q)
					require.NoError(t, err)
					require.Len(t, found, 1, "%q", n)
					require.Equal(t, n, found[0].Key)
				}
			}
			require.Len(t, e.join(t).begin(t), len(names), "each has an ordering key of its own")
		})
	}
}
