package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// keptRows drains and sells beside 10,000 and beside 1,000,000 delivered messages.
func keptRows(ctx context.Context, l *Lab) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	e, ok := l.main()
	if !ok {
		return nil, nil
	}
	p, err := l.platform(ctx, 0, &c)
	if err != nil {
		return nil, err
	}
	var parts []part
	few, many := l.size(10_000, 100), l.size(1_000_000, 1000)
	n := l.size(20_000, 50)
	for _, kept := range []struct {
		name string
		n    int
	}{{"few", few}, {"many", many}} {
		o, _, err := l.open(ctx, e.Name, &c)
		if err != nil {
			return nil, err
		}
		if err := bulkKept(ctx, o, p, kept.n); err != nil {
			return nil, err
		}
		parts = append(parts,
			one(kept.name+" no-op", func(ctx context.Context) (float64, error) { return drainedNoop(ctx, o, n, distinct) }),
			one(kept.name+" HTTP", func(ctx context.Context) (float64, error) { return drained(ctx, o, p, n, workers, distinct) }),
			one(kept.name+" enqueue", func(ctx context.Context) (float64, error) {
				rate, err := sold(ctx, o, l.size(4000, 20), orderAndPush, "amsbridge_queue")
				return rate, errors.Join(err, discard(ctx, o))
			}))
	}
	got, err := l.play(ctx, 5, parts...)
	if err != nil {
		return nil, err
	}
	for _, way := range []struct {
		name, unit string
		bar        float64
	}{{"no-op", "messages/s", 0.85}, {"HTTP", "messages/s", 0.95}, {"enqueue", "orders/s", 0.95}} {
		rows = append(rows, Row{
			Name:   fmt.Sprintf("%s, %s beside %s kept rows ÷ beside %s", e.Name, way.name, thousands(int64(many)), thousands(int64(few))),
			Values: got.over("many "+way.name, "few "+way.name), Bar: atLeast(way.bar), Base: got["few "+way.name], BaseUnit: way.unit,
		})
	}
	return rows, nil
}

// oldSnapshot drains while a transaction elsewhere holds a snapshot from before
// the drain, as a backup does, so that no dead row can be removed.
func oldSnapshot(ctx context.Context, l *Lab) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	e, ok := l.main()
	if !ok {
		return nil, nil
	}
	o, dsn, _, err := l.openAt(ctx, e.Name, &c)
	if err != nil {
		return nil, err
	}
	p, err := l.platform(ctx, 0, &c)
	if err != nil {
		return nil, err
	}
	n := l.size(30_000, 50)
	cleaned := func(name string, hold bool, work func(ctx context.Context) (float64, error)) part {
		return one(name, func(ctx context.Context) (rate float64, err error) {
			if hold {
				release, err := holdSnapshot(ctx, dsn)
				if err != nil {
					return 0, err
				}
				rate, err = work(ctx)
				if err := errors.Join(err, release()); err != nil {
					return 0, err
				}
			} else if rate, err = work(ctx); err != nil {
				return 0, err
			}
			return rate, o.Exec(ctx, "VACUUM amsbridge_queue")
		})
	}
	nowhere := func(ctx context.Context) (float64, error) { return drainedNoop(ctx, o, n, distinct) }
	platform := func(ctx context.Context) (float64, error) { return drained(ctx, o, p, n, workers, distinct) }
	got, err := l.play(ctx, 4,
		cleaned("quiet no-op", false, nowhere), cleaned("held no-op", true, nowhere),
		cleaned("quiet HTTP", false, platform), cleaned("held HTTP", true, platform))
	if err != nil {
		return nil, err
	}
	for _, way := range []struct {
		name string
		bar  float64
	}{{"no-op", 0.85}, {"HTTP", 0.85}} {
		rows = append(rows, Row{
			Name: e.Name + ", " + way.name + " while one is held ÷ quiet", Values: got.over("held "+way.name, "quiet "+way.name),
			Bar: atLeast(way.bar), Base: got["quiet "+way.name], BaseUnit: "messages/s",
		})
	}
	return rows, nil
}

// holdSnapshot opens a transaction that has seen the queue.
func holdSnapshot(ctx context.Context, dsn string) (release func() error, err error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err == nil {
		var n int64
		err = tx.QueryRow(ctx, queued).Scan(&n)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return func() error { return errors.Join(tx.Rollback(ctx), conn.Close(ctx)) }, nil
}
