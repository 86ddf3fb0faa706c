package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/amsbridge/amsbridge/outbox"
)

// Sizes of a measured claim, and how many there are in a round.
const (
	claimRoom   = 100
	claimsTimed = 20
)

// keptRows times claims beside 10,000 and beside 1,000,000 delivered messages.
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
		parts = append(parts, one(kept.name, func(ctx context.Context) (float64, error) { return timeClaims(ctx, o) }))
	}
	got, err := l.play(ctx, 9, parts...)
	if err != nil {
		return nil, err
	}
	return []Row{{
		Name:   fmt.Sprintf("%s, a claim of %d beside %s kept rows ÷ beside %s", e.Name, claimRoom, thousands(int64(many)), thousands(int64(few))),
		Values: got.over("many", "few"), Bar: atMost(1.5), Base: got["few"], BaseUnit: "ms",
	}}, nil
}

// timeClaims claims and settles, and returns a claim's median, in milliseconds.
func timeClaims(ctx context.Context, o Outbox) (float64, error) {
	if _, err := fill(ctx, o, claimRoom*claimsTimed, distinct); err != nil {
		return 0, err
	}
	var took []float64
	for range claimsTimed {
		token := outbox.NewToken()
		begun := time.Now()
		claim, err := o.Claim(ctx, outbox.ClaimRequest{
			Token: token, By: "bench", Lease: time.Minute, Limit: claimRoom, DestinationLimit: claimRoom, KeyLimit: 10, ProbeEvery: time.Minute,
		})
		took = append(took, float64(time.Since(begun).Microseconds())/1000)
		if err != nil {
			return 0, err
		}
		if len(claim.Leased) != claimRoom {
			return 0, fmt.Errorf("bench: a claim of %d gave %d", claimRoom, len(claim.Leased))
		}
		batch := make([]outbox.Settlement, len(claim.Leased))
		for i, m := range claim.Leased {
			batch[i] = outbox.Settlement{
				Message: m.Message, Token: token, State: outbox.StateDelivered, Outcome: outbox.OutcomeDelivered, By: "bench",
			}
		}
		acked, err := o.Settle(ctx, batch)
		if err != nil {
			return 0, err
		}
		if len(acked) != claimRoom {
			return 0, fmt.Errorf("bench: of %d settlements %d were acknowledged", claimRoom, len(acked))
		}
	}
	return median(took), nil
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
	}{{"no-op", 0.4}, {"HTTP", 0.8}} {
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
