package peers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
)

// topic holds all pushes.
const topic = "push"

// SubscribeBatchSize is how watermill-sql is tuned: its default of 100 is slower.
const SubscribeBatchSize = 1000

// Watermill is watermill-sql's topic in a database of its own, with its default
// schema for that database.
type Watermill struct {
	db      *sql.DB
	schema  wsql.SchemaAdapter
	offsets wsql.OffsetsAdapter
	mysql   bool
}

// OpenWatermill makes watermill-sql's tables and the shop's orders table in an
// empty database: MySQL's or MariaDB's with mysql set, else PostgreSQL's.
func OpenWatermill(ctx context.Context, db *sql.DB, mysql bool, orders string) (*Watermill, error) {
	w := &Watermill{
		db: db, mysql: mysql,
		schema:  wsql.DefaultPostgreSQLSchema{SubscribeBatchSize: SubscribeBatchSize},
		offsets: wsql.DefaultPostgreSQLOffsetsAdapter{},
	}
	if mysql {
		w.schema = wsql.DefaultMySQLSchema{SubscribeBatchSize: SubscribeBatchSize}
		w.offsets = wsql.DefaultMySQLOffsetsAdapter{}
	}
	queries, err := w.schema.SchemaInitializingQueries(wsql.SchemaInitializingQueriesParams{Topic: topic})
	if err != nil {
		return nil, err
	}
	offsets, err := w.offsets.SchemaInitializingQueries(wsql.OffsetsSchemaInitializingQueriesParams{Topic: topic})
	if err != nil {
		return nil, err
	}
	for _, q := range append(queries, offsets...) {
		if _, err := db.ExecContext(ctx, q.Query, q.Args...); err != nil {
			return nil, err
		}
	}
	_, err = db.ExecContext(ctx, orders)
	return w, err
}

// Place inserts an order's row and publishes a message for it in one
// transaction.
func (w *Watermill) Place(ctx context.Context, insert, id, buyer string, total int, body []byte) (err error) {
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	if _, err := tx.ExecContext(ctx, insert, id, buyer, total); err != nil {
		return err
	}
	publisher, err := wsql.NewPublisher(wsql.TxFromStdSQL(tx), wsql.PublisherConfig{SchemaAdapter: w.schema}, nil)
	if err != nil {
		return err
	}
	if err := publisher.Publish(topic, message.NewMessage(watermill.NewUUID(), body)); err != nil {
		return err
	}
	return tx.Commit()
}

// Published is how many messages there are.
func (w *Watermill) Published(ctx context.Context) (n int64, err error) {
	err = w.db.QueryRowContext(ctx, "SELECT count(*) FROM "+w.table("watermill_push")).Scan(&n)
	return n, err
}

func (w *Watermill) table(name string) string {
	if w.mysql {
		return "`" + name + "`"
	}
	return `"` + name + `"`
}

// Fill publishes n messages.
func (w *Watermill) Fill(ctx context.Context, n int, body []byte) error {
	publisher, err := wsql.NewPublisher(wsql.BeginnerFromStdSQL(w.db), wsql.PublisherConfig{SchemaAdapter: w.schema}, nil)
	if err != nil {
		return err
	}
	for n > 0 && ctx.Err() == nil {
		batch := make([]*message.Message, min(n, 500))
		for i := range batch {
			batch[i] = message.NewMessage(watermill.NewUUID(), body)
		}
		n -= len(batch)
		if err := publisher.Publish(topic, batch...); err != nil {
			return err
		}
	}
	return errors.Join(ctx.Err(), publisher.Close())
}

// Drain has one subscriber take the n messages that were published since the
// last call, and returns how long that took until the last was acknowledged in
// the database.
func (w *Watermill) Drain(ctx context.Context, n int, work func(ctx context.Context, body []byte) error) (took time.Duration, err error) {
	subscriber, err := wsql.NewSubscriber(wsql.BeginnerFromStdSQL(w.db), wsql.SubscriberConfig{
		SchemaAdapter: w.schema, OffsetsAdapter: w.offsets,
		PollInterval: 10 * time.Millisecond, RetryInterval: 10 * time.Millisecond,
	}, nil)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begun := time.Now()
	messages, err := subscriber.Subscribe(ctx, topic)
	if err != nil {
		return 0, err
	}
	var got atomic.Int64
	failed := make(chan error, 1)
	go func() {
		defer close(failed)
		for m := range messages {
			if err := work(ctx, m.Payload); err != nil {
				failed <- err
				return
			}
			got.Add(1)
			m.Ack()
		}
	}()
	err = w.awaitAcked(ctx, &got, n, failed)
	took = time.Since(begun)
	cancel()
	err = errors.Join(err, subscriber.Close())
	if err == nil && got.Load() != int64(n) {
		err = fmt.Errorf("peers: watermill-sql delivered %d messages, not %d", got.Load(), n)
	}
	return took, err
}

// awaitAcked waits for so many messages, and then for the last offset to be
// recorded.
func (w *Watermill) awaitAcked(ctx context.Context, got *atomic.Int64, n int, failed <-chan error) error {
	column := `"offset"`
	if w.mysql {
		column = "`offset`"
	}
	query := "SELECT (SELECT COALESCE(MAX(" + column + "), 0) FROM " + w.table("watermill_push") +
		") - (SELECT COALESCE(MAX(offset_acked), 0) FROM " + w.table("watermill_offsets_push") + ")"
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err, ok := <-failed:
			if !ok {
				err = errors.New("peers: watermill-sql's subscriber ended")
			}
			return err
		case <-tick.C:
		}
		if got.Load() < int64(n) {
			continue
		}
		var left int64
		if err := w.db.QueryRowContext(ctx, query).Scan(&left); err != nil || left == 0 {
			return err
		}
	}
}
