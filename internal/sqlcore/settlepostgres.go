package sqlcore

import (
	"context"

	"github.com/amsbridge/amsbridge/outbox"
)

// settlePostgres records a part in one statement, and commits with it where that is the last one and the
// driver can.
func settlePostgres(ctx context.Context, p *settlingPart, q Conn, all []settling, done []bool, last bool) error {
	over, err := p.s.d.listArg(kindInt, append([]int64{}, p.over...))
	if err != nil {
		return err
	}
	args, err := p.s.d.withRowsLast(settleColumns, all, p.s.now(), p.session, over, len(all))
	if err != nil {
		return err
	}
	look := each
	if last {
		look = eachLast
	}
	alive := false
	err = look(ctx, q, func(r Rows) error {
		alive = true
		var i *int
		err := r.Scan(&i)
		if i != nil {
			done[*i] = true
		}
		return err
	}, p.s.sql["settle"], args...)
	if err == nil && !alive {
		return outbox.ErrNoSession
	}
	return err
}
