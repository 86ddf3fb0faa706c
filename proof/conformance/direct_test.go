package conformance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/pgxstore"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/outbox"
)

// direct is a shop with a sender in its process that reads nothing by itself for an hour, once it is awake.
type direct struct {
	*pgxEnv
	t       *testing.T
	queue   *recordings
	sender  *outbox.Sender
	mu      sync.Mutex
	arrived []string
	hold    func(m outbox.Message)
}

// recordings counts flights, and tells of shards that are handed over.
type recordings struct {
	outbox.Queue
	flights atomic.Int64
	shards  atomic.Uint64
}

func (r *recordings) Record(ctx context.Context, f outbox.Flight) (outbox.Recorded, error) {
	r.flights.Add(1)
	return r.Queue.Record(ctx, f)
}

func (r *recordings) HandOver(id outbox.SessionID, shards uint64, begin func(outbox.SessionID, []outbox.Handed)) {
	r.Queue.(outbox.Handing).HandOver(id, shards, begin)
	r.shards.Store(shards)
}

func openDirect(t *testing.T) *direct {
	e := openPgx(t, nil)
	d := &direct{pgxEnv: e, t: t, queue: &recordings{Queue: e.store}}
	cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(_ context.Context, m outbox.Message) (outbox.Result, error) {
		d.mu.Lock()
		hold := d.hold
		d.mu.Unlock()
		if hold != nil {
			hold(m)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.arrived = append(d.arrived, m.Key)
		return outbox.Result{}, nil
	})})
	cfg.Poll = time.Hour
	d.sender, _ = (&env{}).send(t, d.queue, cfg)
	until(t, func() bool { return d.queue.shards.Load() == 1<<outbox.Shards-1 }, "all shards are handed over")
	return d
}

func (d *direct) keys() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string{}, d.arrived...)
}

// report stores a message beside its entry.
func (d *direct) report(tx pgx.Tx, m outbox.Message) error {
	ok, err := d.store.AppendTx(d.t.Context(), tx, outbox.Entry{Association: "A", Subject: m.Key, N: 1}, m)
	if err == nil && !ok {
		err = errors.New("the entry exists")
	}
	return err
}

func (d *direct) inTx(f func(tx pgx.Tx) error) {
	require.NoError(d.t, pgxstore.InTx(d.t.Context(), d.pool, nil, f))
}

func (d *direct) stamps() (n int) {
	require.NoError(d.t, d.pool.QueryRow(d.t.Context(), "SELECT count(*) FROM amsbridge_queue WHERE stamp <> 0").Scan(&n))
	return n
}

func TestPgxStoreHandsOverWhatWasCommitted(t *testing.T) {
	t.Parallel()
	d := openDirect(t)
	flights := d.queue.flights.Load()
	for i := range 20 {
		key := fmt.Sprint("k", i)
		d.inTx(func(tx pgx.Tx) error {
			require.NoError(t, d.report(tx, push(key, key)))
			require.NotContains(t, d.keys(), key, "nothing is sent before COMMIT")
			return nil
		})
		until(t, func() bool { return len(d.keys()) == i+1 && d.queue.shards.Load() == 1<<outbox.Shards-1 }, "it is sent")
	}
	require.Equal(t, flights, d.queue.flights.Load(), "the stamp is the record")
	until(t, func() bool {
		found, err := d.store.Find(t.Context(), outbox.Query{States: []outbox.State{outbox.StateDelivered}})
		require.NoError(t, err)
		return len(found) == 20
	}, "all are settled")
	require.Zero(t, d.stamps())
}

func TestPgxStoreHandsNothingOverThatIsRolledBack(t *testing.T) {
	t.Parallel()
	d := openDirect(t)
	declined := errors.New("declined")
	require.ErrorIs(t, pgxstore.InTx(t.Context(), d.pool, nil, func(tx pgx.Tx) error {
		require.NoError(t, d.report(tx, push("rolled back", "U-1")))
		return declined
	}), declined)
	d.inTx(func(tx pgx.Tx) error {
		inner, err := tx.Begin(t.Context())
		require.NoError(t, err)
		require.NoError(t, d.report(inner, push("in a savepoint", "U-2")))
		require.NoError(t, inner.Rollback(t.Context()))
		_, err = tx.Exec(t.Context(), "SAVEPOINT mine")
		require.NoError(t, err)
		require.NoError(t, d.report(tx, push("in the shop's savepoint", "U-3")))
		_, err = tx.Exec(t.Context(), "ROLLBACK TO SAVEPOINT mine")
		require.NoError(t, err)
		return d.report(tx, push("kept", "U-4"))
	})
	until(t, func() bool { return len(d.keys()) > 0 }, "something is sent")
	require.Equal(t, []string{"kept"}, d.keys())
}

// Whatever is in the way, a message is sent later like any other: nothing of it stays stamped.
func TestPgxStoreHandsOverNoMoreThanMayBeSent(t *testing.T) {
	t.Parallel()
	operate := func(d *direct, act func(*outbox.Operator, outbox.Actor) error) {
		o, err := outbox.NewOperator(d.store, outbox.OperatorConfig{})
		require.NoError(d.t, err)
		require.NoError(d.t, act(o, outbox.Actor{Name: "pat"}))
	}
	t.Run("another message of the person", func(t *testing.T) {
		t.Parallel()
		d := openDirect(t)
		release := make(chan struct{})
		d.hold = func(m outbox.Message) {
			if m.Key == "first" {
				<-release
			}
		}
		for _, key := range []string{"first", "second", "third"} {
			d.inTx(func(tx pgx.Tx) error { return d.report(tx, push(key, "U-1")) })
		}
		require.Equal(t, 1, d.stamps(), "those that wait are not stamped")
		require.Empty(t, d.keys())
		close(release)
		until(t, func() bool { return len(d.keys()) == 3 }, "all are sent")
		require.Equal(t, []string{"first", "second", "third"}, d.keys())
	})
	t.Run("a destination that an operator paused", func(t *testing.T) {
		t.Parallel()
		d := openDirect(t)
		operate(d, func(o *outbox.Operator, a outbox.Actor) error { return o.Pause(t.Context(), a, "elevate", "tests") })
		d.inTx(func(tx pgx.Tx) error { return d.report(tx, push("paused", "U-1")) })
		require.Zero(t, d.stamps())
		require.Empty(t, d.keys())
		operate(d, func(o *outbox.Operator, a outbox.Actor) error { return o.Resume(t.Context(), a, "elevate", "tests") })
		until(t, func() bool { return len(d.keys()) == 1 }, "it is sent")
	})
	t.Run("a pause of everything", func(t *testing.T) {
		t.Parallel()
		d := openDirect(t)
		operate(d, func(o *outbox.Operator, a outbox.Actor) error { return o.PauseAll(t.Context(), a, "tests") })
		d.inTx(func(tx pgx.Tx) error { return d.report(tx, push("paused", "U-1")) })
		require.Zero(t, d.stamps())
		require.Empty(t, d.keys())
		operate(d, func(o *outbox.Operator, a outbox.Actor) error { return o.ResumeAll(t.Context(), a, "tests") })
		until(t, func() bool { return len(d.keys()) == 1 }, "it is sent")
	})
	t.Run("an older snapshot", func(t *testing.T) {
		t.Parallel()
		d := openDirect(t)
		d.inTx(func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
			require.NoError(t, err)
			return d.report(tx, push("repeatable", "U-1"))
		})
		require.Zero(t, d.stamps())
		until(t, func() bool { return len(d.keys()) == 1 }, "it is read")
	})
}

// A session that is over leaves stamps of transactions that end later: they are sent by whoever comes next.
func TestPgxStoreMessagesOfASessionThatIsOver(t *testing.T) {
	t.Parallel()
	e := openPgx(t, nil)
	var arrived atomic.Int64
	cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(context.Context, outbox.Message) (outbox.Result, error) {
		arrived.Add(1)
		return outbox.Result{}, nil
	})})
	queue := &recordings{Queue: e.store}
	_, stop := (&env{}).send(t, queue, cfg)
	until(t, func() bool { return queue.shards.Load() != 0 }, "shards are handed over")
	d := &direct{pgxEnv: e, t: t}
	d.inTx(func(tx pgx.Tx) error {
		require.NoError(t, d.report(tx, push("late", "U-1")))
		stop()
		return nil
	})
	require.Equal(t, 1, d.stamps())
	require.Zero(t, arrived.Load())
	_, _ = (&env{}).send(t, e.store, cfg)
	until(t, func() bool { return arrived.Load() == 1 }, "it is sent")
}

// Where the outcome of COMMIT is unknown, the message is sent if it is there.
func TestPgxStoreCommitThatIsNotAnswered(t *testing.T) {
	t.Parallel()
	d := openDirect(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := pgxstore.InTx(ctx, d.pool, nil, func(tx pgx.Tx) error {
		require.NoError(t, d.report(tx, push("unknown", "U-1")))
		require.NoError(t, tx.Commit(t.Context()), "as if the answer to InTx's own was lost")
		return nil
	})
	cancel()
	require.Error(t, err)
	until(t, func() bool { return len(d.keys()) == 1 && d.stamps() == 0 }, "it is sent")
}

// The same through database/sql, whatever the driver.
func TestSQLStoreHandsOverOnPostgreSQL(t *testing.T) {
	t.Parallel()
	for _, s := range setups[2:4] {
		e := s.open(t)
		queue := &recordings{Queue: e.store}
		arrived := make(chan string, 10)
		cfg := quick(outbox.Fixed{"elevate": deliverFunc(func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			arrived <- m.Key
			return outbox.Result{}, nil
		})})
		cfg.Poll = time.Hour
		e.send(t, queue, cfg)
		until(t, func() bool { return queue.shards.Load() == 1<<outbox.Shards-1 }, "all shards are handed over")
		report := func(tx *sql.Tx, key string) error {
			_, err := e.store.AppendTx(t.Context(), tx, outbox.Entry{Association: "A", Subject: key, N: 1}, push(key, key))
			return err
		}
		flights := queue.flights.Load()
		require.NoError(t, sqlstore.InTx(t.Context(), e.db, nil, func(tx *sql.Tx) error {
			for _, text := range []string{"SAVEPOINT mine", "", "ROLLBACK TO SAVEPOINT mine", "RELEASE SAVEPOINT mine"} {
				var err error
				if text == "" {
					err = report(tx, "undone")
				} else {
					_, err = tx.ExecContext(t.Context(), text)
				}
				require.NoError(t, err)
			}
			return report(tx, "kept")
		}))
		require.Equal(t, "kept", <-arrived)
		require.Equal(t, flights, queue.flights.Load(), "the stamp is the record")
	}
}
