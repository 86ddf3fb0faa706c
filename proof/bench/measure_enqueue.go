package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/amsbridge/amsbridge/proof/bench/peers"
)

// checkouts places n orders and returns the rate. grown tells how much was
// stored meanwhile, which must be n.
func checkouts(
	ctx context.Context, n int, stored func(context.Context) (int64, error), place func(ctx context.Context, number int64) error,
) (perSecond float64, err error) {
	before, err := stored(ctx)
	if err != nil {
		return 0, err
	}
	took, err := rush(ctx, n, place)
	if err != nil {
		return 0, err
	}
	after, err := stored(ctx)
	if err == nil && after-before != int64(n) {
		err = fmt.Errorf("bench: %d checkouts stored %d", n, after-before)
	}
	return float64(n) / took.Seconds(), err
}

// sold returns the rate of n orders, of each of which a row remains in that table.
func sold(ctx context.Context, o Outbox, n int, what Doing, table string) (perSecond float64, err error) {
	stored := func(ctx context.Context) (int64, error) { return o.Number(ctx, "SELECT count(*) FROM "+table) }
	return checkouts(ctx, n, stored, func(ctx context.Context, number int64) error {
		return o.Place(ctx, orderOf(number, number), what, nil)
	})
}

// selling are the parts of an engine: its orders alone and with a push.
func selling(o Outbox, engine string, n int) []part {
	sell := func(what Doing, table string) func(context.Context) (float64, error) {
		return func(ctx context.Context) (float64, error) { return sold(ctx, o, n, what, table) }
	}
	return []part{
		one(engine+" alone", sell(orderAlone, "shop_order")),
		one(engine+" push", sell(orderAndPush, "amsbridge_queue")),
	}
}

// enqueueRow is the row of an engine.
func enqueueRow(r rounds, engine string, bar Bar) Row {
	return Row{
		Name: engine + ", order with push ÷ order alone", Values: r.over(engine+" push", engine+" alone"), Bar: bar,
		Base: r[engine+" alone"], BaseUnit: "orders/s",
	}
}

// besides compares an engine's enqueueing with a peer's.
func besides(r rounds, engine, peer string, bar Bar) Row {
	return Row{
		Name: engine + ", order with push ÷ " + peer, Values: r.over(engine+" push", peer), Bar: bar,
		Base: r[peer], BaseUnit: "orders/s",
	}
}

func enqueue(ctx context.Context, l *Lab) (rows []Row, err error) {
	for _, group := range []func(context.Context, *Lab) ([]Row, error){enqueuePostgres, enqueueSQLite, enqueueMariaDB} {
		more, err := group(ctx, l)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// enqueueRounds is how many rounds the bars of enqueueing ask for.
const enqueueRounds = 9

func enqueuePostgres(ctx context.Context, l *Lab) (rows []Row, err error) {
	n := l.size(4000, 20)
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	var parts []part
	var engines []string
	for _, name := range []string{PGX, Postgres} {
		o, ok, err := l.open(ctx, name, &c)
		if err != nil {
			return nil, err
		}
		if ok {
			engines = append(engines, name)
			parts = append(parts, selling(o, name, n)...)
		}
	}
	if len(engines) == 0 {
		return nil, nil
	}
	body := []byte(sampleBody)
	r, err := l.river(ctx, 0, &c)
	if err != nil {
		return nil, err
	}
	parts = append(parts, one("River InsertTx", func(ctx context.Context) (float64, error) {
		left := func(ctx context.Context) (int64, error) { n, err := r.Left(ctx); return int64(n), err }
		return checkouts(ctx, n, left, func(ctx context.Context, number int64) error {
			order := orderOf(number, number)
			return r.Place(ctx, insertNumbered, order.ID, string(order.Buyer.ID), price, body, nil)
		})
	}))
	w, err := l.watermillPostgres(ctx, &c)
	if err != nil {
		return nil, err
	}
	parts = append(parts, publishing(w, insertNumbered, n))
	got, err := l.play(ctx, enqueueRounds, parts...)
	if err != nil {
		return nil, err
	}
	for _, e := range engines {
		bar, river, watermill := barEnqueue, atLeast(1.15), atLeast(0.85)
		if e == Postgres {
			bar, river, watermill = barEnqueueSQL, Bar{}, Bar{}
		}
		rows = append(rows, enqueueRow(got, e, bar), besides(got, e, "River InsertTx", river), besides(got, e, watermillName, watermill))
	}
	return rows, nil
}

const watermillName = "watermill-sql"

func publishing(w *peers.Watermill, insert string, n int) part {
	return one(watermillName, func(ctx context.Context) (float64, error) {
		return checkouts(ctx, n, w.Published, func(ctx context.Context, number int64) error {
			order := orderOf(number, number)
			return w.Place(ctx, insert, order.ID, string(order.Buyer.ID), price, []byte(sampleBody))
		})
	})
}

func enqueueSQLite(ctx context.Context, l *Lab) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	o, ok, err := l.open(ctx, SQLite, &c)
	if err != nil || !ok {
		return nil, err
	}
	r, err := l.play(ctx, enqueueRounds, selling(o, SQLite, l.size(4000, 20))...)
	if err != nil {
		return nil, err
	}
	return []Row{enqueueRow(r, SQLite, atLeast(0.50))}, nil
}

func enqueueMariaDB(ctx context.Context, l *Lab) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	o, ok, err := l.open(ctx, MariaDB, &c)
	if err != nil || !ok {
		return nil, err
	}
	w, err := l.watermillMariaDB(ctx, &c)
	if err != nil {
		return nil, err
	}
	n := l.size(4000, 20)
	r, err := l.play(ctx, enqueueRounds, append(selling(o, MariaDB, n), publishing(w, insertMarked, n))...)
	if err != nil {
		return nil, err
	}
	return []Row{enqueueRow(r, MariaDB, barEnqueueMaria), besides(r, MariaDB, watermillName, Bar{})}, nil
}
