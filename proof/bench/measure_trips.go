package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/amsbridge/amsbridge"
)

// roundTrips counts, on the wire, what an order's pushes add to the shop's
// transaction. SQLite has no wire.
func roundTrips(ctx context.Context, l *Lab) (rows []Row, err error) {
	c := closers{}
	defer func() { err = errors.Join(err, c.close()) }()
	for _, name := range []string{PGX, Postgres, MariaDB} {
		o, ok, err := l.open(ctx, name, &c)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		once, twice := atMost(1), atMost(2)
		if name == MariaDB { // the bars are PostgreSQL's
			once, twice = Bar{}, Bar{}
		}
		for _, lines := range []int{1, 200} {
			first, repeat, err := added(ctx, o, lines)
			if err != nil {
				return nil, err
			}
			rows = append(rows,
				Row{Name: fmt.Sprintf("%s, added by an order of %d lines", name, lines), Values: []float64{first}, Bar: once},
				Row{Name: fmt.Sprintf("%s, added by its repeat, %d lines", name, lines), Values: []float64{repeat}, Bar: twice})
		}
	}
	return rows, nil
}

// added returns what a first report adds and what a repeat does: the medians of
// some orders, for a connection's first statements are prepared beforehand.
func added(ctx context.Context, o Outbox, lines int) (first, repeat float64, err error) {
	count := func(order amsbridge.Order, what Doing) float64 {
		before := o.Trips()
		err = errors.Join(err, o.Place(ctx, order, what, nil))
		return float64(o.Trips() - before)
	}
	var firsts, repeats []float64
	for range 9 {
		number := numbers.Add(int64(lines))
		order := orderOf(number, number)
		order.Lines = nil
		for i := range int64(lines) {
			order.Lines = append(order.Lines, amsbridge.Line{
				ID: fmt.Sprint(i), ProductID: course, Quantity: 1, Attendees: []amsbridge.User{person(number - i)},
			})
		}
		empty := count(order, Doing{})
		firsts = append(firsts, count(order, Doing{Push: true})-empty)
		repeats = append(repeats, count(order, Doing{Push: true})-empty)
	}
	return median(firsts), median(repeats), err
}
