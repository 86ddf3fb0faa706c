package conformance

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

// Whoever forgot to migrate reads so in the first error, whatever the call.
func TestMissingTablesSayWhatToRun(t *testing.T) {
	t.Parallel()
	for _, s := range append([]setup{setups[1], setups[3]}, engines...) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			db, _ := s.bare(t)
			if s.single {
				db.SetMaxOpenConns(1)
			}
			_, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: s.dialect})
			requireSays(t, err, sqlstore.ErrSchema, "run sqlstore.Migrate")

			require.NoError(t, sqlstore.Migrate(t.Context(), db, s.dialect))
			store, err := sqlstore.New(t.Context(), sqlstore.Config{DB: db, Dialect: s.dialect})
			require.NoError(t, err)
			for _, drop := range dropTables {
				_, err := db.ExecContext(t.Context(), drop)
				require.NoError(t, err)
			}
			noTables[*sql.Tx]{store, func(fn func(*sql.Tx) error) error {
				return sqlstore.InTx(t.Context(), db, nil, fn)
			}, sqlstore.ErrSchema, "run sqlstore.Migrate"}.requireAll(t)
		})
	}
	t.Run("pgxstore", func(t *testing.T) {
		t.Parallel()
		pool := pgxPool(t, testdb.Postgres(t), nil)
		_, err := pgxstore.New(t.Context(), pgxstore.Config{DB: pool})
		requireSays(t, err, pgxstore.ErrSchema, "run pgxstore.Migrate")

		require.NoError(t, pgxstore.Migrate(t.Context(), pool))
		store, err := pgxstore.New(t.Context(), pgxstore.Config{DB: pool})
		require.NoError(t, err)
		for _, drop := range dropTables {
			_, err := pool.Exec(t.Context(), drop)
			require.NoError(t, err)
		}
		noTables[pgx.Tx]{store, func(fn func(pgx.Tx) error) error {
			return pgxstore.InTx(t.Context(), pool, nil, fn)
		}, pgxstore.ErrSchema, "run pgxstore.Migrate"}.requireAll(t)
	})
}

var dropTables = []string{
	"DROP TABLE amsbridge_queue", "DROP TABLE amsbridge_message", "DROP TABLE amsbridge_attempt", "DROP TABLE amsbridge_destination",
	"DROP TABLE amsbridge_entry", "DROP TABLE amsbridge_task", "DROP TABLE amsbridge_progress", "DROP TABLE amsbridge_audit", "DROP TABLE amsbridge_migration",
	"DROP TABLE amsbridge_session", "DROP TABLE amsbridge_installation", "DROP TABLE amsbridge_beat", "DROP TABLE amsbridge_shard", "DROP TABLE amsbridge_flight",
}

// noTables is a store whose tables are gone, and what its calls must say.
type noTables[Tx any] struct {
	store interface {
		outbox.Writer[Tx]
		outbox.Queue
		outbox.Inspector
		validator
	}
	inTx func(fn func(Tx) error) error
	is   error
	says string
}

func (n noTables[Tx]) requireAll(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	calls := map[string]func() error{
		"insert one": func() error {
			return n.inTx(func(tx Tx) error {
				_, err := n.store.InsertTx(ctx, tx, push("a", "U-1"))
				return err
			})
		},
		"insert two": func() error {
			return n.inTx(func(tx Tx) error {
				_, err := n.store.InsertTx(ctx, tx, push("a", "U-1"), push("b", "U-1"))
				return err
			})
		},
		"find": func() error {
			return n.inTx(func(tx Tx) error {
				_, err := n.store.FindTx(ctx, tx, outbox.Query{Subject: "o"})
				return err
			})
		},
		"append": func() error {
			return n.inTx(func(tx Tx) error {
				_, err := n.store.AppendTx(ctx, tx, outbox.Entry{Subject: "o", N: 2}, push("a", "U-1"))
				return err
			})
		},
		"last entry": func() error {
			return n.inTx(func(tx Tx) error {
				_, err := n.store.LastEntryTx(ctx, tx, "", "o", 0)
				return err
			})
		},
		"new tasks": func() error {
			_, err := n.store.NewTasks(ctx, 1)
			return err
		},
		"tasks told": func() error {
			return n.store.TasksTold(ctx, []outbox.OpenTask{{Subject: "o", N: 1, Task: outbox.Task{ID: "t"}}})
		},
		"tasks": func() error {
			_, err := n.store.Tasks(ctx, outbox.TaskQuery{Limit: 1})
			return err
		},
		"join": func() error {
			_, err := n.store.Join(ctx, outbox.Joining{By: "test", Length: time.Minute})
			return err
		},
		"beat": func() error {
			_, err := n.store.Beat(ctx, outbox.Beat{Session: 1, Take: 1})
			return err
		},
		"read": func() error {
			_, err := n.store.Read(ctx, outbox.Reading{Session: 1, Shards: []int{1}, Limit: 1})
			return err
		},
		"record": func() error {
			_, err := n.store.Record(ctx, outbox.Flight{Session: 1, N: 1, Messages: []outbox.Queued{{ID: 1, Destination: "elevate"}}})
			return err
		},
		"settle": func() error {
			_, err := n.store.Settle(ctx, outbox.Settling{Session: 1, Batch: []outbox.Settlement{deliveredOf(push("a", "U-1"))}})
			return err
		},
		"leave": func() error { return n.store.Leave(ctx, 1) },
		"prune": func() error {
			_, err := n.store.Prune(ctx, outbox.Pruning{Replies: time.Hour})
			return err
		},
		"counts": func() error {
			_, err := n.store.Counts(ctx)
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) { requireSays(t, call(), n.is, n.says) })
	}
	require.ErrorIs(t, n.store.Validate(ctx), n.is)
	require.ErrorContains(t, n.store.Validate(ctx), n.says)
	require.Contains(t, n.firstLine(t), n.says)
}

func requireSays(t *testing.T, err, is error, text string) {
	t.Helper()
	require.ErrorIs(t, err, is)
	require.ErrorContains(t, err, text)
}

// firstLine is the first line that a sender logs.
func (n noTables[Tx]) firstLine(t *testing.T) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	first := &firstLine{stop: stop}
	cfg := quick(outbox.Fixed{"elevate": taking})
	cfg.Logger = slog.New(slog.NewTextHandler(first, nil))
	sender, err := outbox.NewSender(n.store, cfg)
	require.NoError(t, err)
	require.NoError(t, sender.Run(ctx))
	line, _, _ := bytes.Cut(first.text, []byte("\n"))
	return string(line)
}

// firstLine keeps what was logged, and stops the sender.
type firstLine struct {
	mu   sync.Mutex
	text []byte
	stop func()
}

func (f *firstLine) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = append(f.text, p...)
	f.stop()
	return len(p), nil
}
