package replay

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlreplay"
)

// Texts that a database could take for one another.
var lookAlikes = []string{
	"Token", "token", "TOKEN", "token ", " token", "token\t", "token\x00", "token\x00\x00",
	"caf\u00e9", "cafe\u0301", "cafe", "CAFE\u0301", "stra\u00dfe", "strasse", "\u0131", "i", "\xff", "\xfe", "\ufffd", "\U0001f393",
	"%", "_", "'", "\\", "\\'", "0x00", strings.Repeat("a", 255), strings.Repeat("a", 254),
}

func TestTokensAreComparedByteForByte(t *testing.T) {
	each(t, setups, func(t *testing.T, s setup) {
		db, _ := s.migrated(t)
		store := s.store(t, db, sqlreplay.Config{})
		until := time.Now().Add(time.Minute)
		triples := [][3]string{{"a", "bc", "d"}, {"ab", "c", "d"}, {"a", "b", "cd"}, {"abc", "d", "d"}, {"a", "bcd", "d"}}
		for _, text := range lookAlikes {
			triples = append(triples, [3]string{text, "x", "x"}, [3]string{"x", text, "x"}, [3]string{"x", "x", text})
		}
		for _, want := range []bool{true, false} {
			for _, k := range triples {
				first, err := store.Consume(t.Context(), k[0], k[1], k[2], until)
				require.NoError(t, err, "%q", k)
				require.Equal(t, want, first, "%q", k)
			}
		}
		require.Equal(t, 1+len(triples), count(t, db, "amsbridge_replay"))
		for _, k := range triples {
			var n int
			statement := "SELECT count(*) FROM amsbridge_replay WHERE issuer = ? AND audience = ? AND token_id = ?"
			if s.dialect == sqlreplay.PostgreSQL {
				statement = "SELECT count(*) FROM amsbridge_replay WHERE issuer = $1 AND audience = $2 AND token_id = $3"
			}
			require.NoError(t, db.QueryRowContext(t.Context(), statement, []byte(k[0]), []byte(k[1]), []byte(k[2])).Scan(&n))
			require.Equal(t, 1, n, "%q can be read as they are", k)
		}
	})
}

// Whatever the driver's settings, one of those who come at the same time is first.
func TestOneOfManyIsFirstWhateverTheDriverIsTold(t *testing.T) {
	each(t, setups, func(t *testing.T, s setup) {
		db, _ := s.migrated(t)
		store := s.store(t, db, sqlreplay.Config{})
		for round := range 20 {
			first, failed := atOnce(store, fmt.Sprintf("token %d", round))
			require.Empty(t, failed)
			require.Equal(t, 1, first)
		}
	})
}

// Where connections begin SERIALIZABLE, who comes at the same moment may be
// refused by an error, but never two let in.
func TestAtMostOneIsFirstUnderStricterIsolation(t *testing.T) {
	each(t, stricter, func(t *testing.T, s setup) {
		db, _ := s.migrated(t)
		store := s.store(t, db, sqlreplay.Config{})
		for round := range 20 {
			token := fmt.Sprintf("token %d", round)
			first, failed := atOnce(store, token)
			require.Equal(t, 1, first, "%v", failed)
			consume(t, store, token, false)
		}
	})
}

// atOnce uses a token in fifty goroutines.
func atOnce(store *sqlreplay.Store, token string) (first int, failed []error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	start := make(chan struct{})
	for range 50 {
		wg.Go(func() {
			<-start
			ok, err := store.Consume(context.Background(), "issuer", "audience", token, time.Now().Add(time.Minute))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = append(failed, err)
			}
			if ok {
				first++
			}
		})
	}
	close(start)
	wg.Wait()
	return first, failed
}

func TestTextsAreBounded(t *testing.T) {
	each(t, engines, func(t *testing.T, s setup) {
		db, _ := s.migrated(t)
		store := s.store(t, db, sqlreplay.Config{})
		long := strings.Repeat("a", sqlreplay.MaxText+1)
		for _, k := range [][4]string{
			{"issuer", "", "a", "t"},
			{"issuer", long, "a", "t"},
			{"audience", "i", "", "t"},
			{"audience", "i", long, "t"},
			{"id", "i", "a", ""},
			{"id", "i", "a", long},
		} {
			first, err := store.Consume(t.Context(), k[1], k[2], k[3], time.Now())
			var bad *amsbridge.InputError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, k[0], bad.Field)
			require.False(t, first)
		}
		require.Equal(t, 1, count(t, db, "amsbridge_replay"))
	})
}

func TestNewNamesTheBadField(t *testing.T) {
	t.Parallel()
	db := setups[0].bare(t)
	for field, cfg := range map[string]sqlreplay.Config{
		"DB":        {Dialect: sqlreplay.SQLite},
		"Dialect":   {DB: db},
		"Timeout":   {DB: db, Dialect: sqlreplay.SQLite, Timeout: -1},
		"KeepAudit": {DB: db, Dialect: sqlreplay.SQLite, KeepAudit: -1},
	} {
		_, err := sqlreplay.New(cfg)
		var bad *amsbridge.InputError
		require.ErrorAs(t, err, &bad, field)
		require.Equal(t, "sqlreplay: Config."+field, bad.Package+": "+bad.Field)
	}
	_, err := sqlreplay.New(sqlreplay.Config{DB: db, Dialect: "oracle"})
	require.EqualError(t, err, "sqlreplay: Config.Dialect is not postgres, mysql or sqlite")
	require.EqualError(t, sqlreplay.Migrate(t.Context(), db, "oracle"), "sqlreplay: dialect is not postgres, mysql or sqlite")
	require.EqualError(t, sqlreplay.Migrate(t.Context(), nil, sqlreplay.SQLite), "sqlreplay: db is nil")
	_, err = sqlreplay.MigrationSQL("")
	require.EqualError(t, err, "sqlreplay: dialect is empty")
}
