package sqlcore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// defaultLimit is how many attempts one call of Prune looks at.
const defaultLimit = 1000

// Prune removes what need not be kept any longer. Each rule goes through the log
// in the order of time and remembers how far it came; senders that prune at the
// same time wait for each other.
func (s *Store) Prune(ctx context.Context, p outbox.Pruning) (outbox.Pruned, error) {
	var sum outbox.Pruned
	left := cmp.Or(p.Limit, defaultLimit)
	for _, rule := range []struct {
		name  string
		age   time.Duration
		apply func(ctx context.Context, q Conn, ids any, upTo int64) (int, error)
		sum   *int
	}{
		{"forget", p.Forget, s.forget, &sum.Forgotten},
		{"replies", p.Replies, s.forgetReplies, &sum.Replies},
	} {
		for rule.age > 0 && left > 0 {
			var looked, removed int
			most := min(left, s.d.most)
			err := s.inTx(ctx, "", func(q Conn) (err error) {
				looked, removed, err = s.pruneSome(ctx, q, rule.name, rule.age.Microseconds(), most, rule.apply)
				return err
			})
			if err != nil {
				return sum, s.failed("prune", err)
			}
			*rule.sum += removed
			left -= looked
			if looked < most {
				break
			}
		}
	}
	sum.More = left < 1
	return sum, nil
}

// pruneSome applies a rule to the messages of the next attempts that are old
// enough for it.
func (s *Store) pruneSome(ctx context.Context, q Conn, rule string, age int64, most int,
	apply func(ctx context.Context, q Conn, ids any, upTo int64) (int, error),
) (looked, removed int, err error) {
	var at, id int64
	if _, err := one(ctx, q, []any{&at, &id}, s.sql["progress"], rule); err != nil {
		return 0, 0, err
	}
	var ids []int64
	err = each(ctx, q, func(r Rows) error {
		looked++
		err := r.Scan(&at, &id)
		ids = append(ids, id)
		return err
	}, s.sql["old attempts"], s.now(), age, at, id, most)
	if err != nil || looked == 0 {
		return looked, 0, err
	}
	slices.Sort(ids)
	list, err := s.d.listArg(kindInt, slices.Compact(ids))
	if err != nil {
		return looked, 0, err
	}
	if removed, err = apply(ctx, q, list, at); err != nil {
		return looked, removed, err
	}
	_, err = q.Exec(ctx, s.sql["keep progress"], rule, at, id)
	return looked, removed, err
}

// forgetReplies removes the messages' attempts up to that time but the last of each, of
// which the platform's reply is forgotten.
func (s *Store) forgetReplies(ctx context.Context, q Conn, ids any, upTo int64) (int, error) {
	removed, err := q.Exec(ctx, s.sql["forget attempts"], upTo, ids)
	if err != nil {
		return 0, err
	}
	emptied, err := q.Exec(ctx, s.sql["empty replies"], upTo, ids)
	return int(removed + emptied), err
}

// forget removes messages whose last attempt is final and not after that time. They are locked
// first, for an operator may put one back into the queue.
func (s *Store) forget(ctx context.Context, q Conn, ids any, upTo int64) (int, error) {
	gone := []int64{}
	err := each(ctx, q, func(r Rows) error {
		var id int64
		err := r.Scan(&id)
		gone = append(gone, id)
		return err
	}, s.sql["forgettable"], upTo, ids)
	if err != nil || len(gone) == 0 {
		return 0, err
	}
	list, err := s.d.listArg(kindInt, gone)
	if err != nil {
		return 0, err
	}
	n, err := q.Exec(ctx, s.sql["forget messages"], list)
	if err != nil {
		return 0, err
	}
	_, err = q.Exec(ctx, s.sql["forget logs"], list)
	return int(n), err
}

func pruneText(d *dialect) map[string]string {
	return map[string]string{
		"progress": `SELECT q.at, q.message_id FROM amsbridge_progress q WHERE q.name = ?1` + d.forUpdate,
		"old attempts": `SELECT at, message_id FROM amsbridge_attempt
			WHERE at >= ?3 AND (at > ?3 OR message_id > ?4) AND at < {now} - ?2
			ORDER BY at, message_id LIMIT ?5`,
		"keep progress": `UPDATE amsbridge_progress SET at = ?2, message_id = ?3 WHERE name = ?1`,
		"forget attempts": `DELETE FROM amsbridge_attempt
			WHERE message_id IN ` + d.list(2, kindInt) + ` AND at <= {at}
				AND n < (SELECT MAX(l.n) FROM amsbridge_attempt l WHERE l.message_id = amsbridge_attempt.message_id)`,
		"empty replies": `UPDATE amsbridge_attempt SET detail = ''
			WHERE message_id IN ` + d.list(2, kindInt) + ` AND at <= {at} AND detail <> ''`,
		"forgettable": `SELECT q.id FROM amsbridge_message q
			WHERE q.id IN ` + d.list(2, kindInt) + `
				AND NOT EXISTS (SELECT 1 FROM amsbridge_queue w WHERE w.lane = q.lane AND w.id = q.id)
				AND EXISTS (SELECT 1 FROM amsbridge_attempt a WHERE a.message_id = q.id AND a.state >= 3 AND a.at <= {at}
					AND a.n = (SELECT MAX(l.n) FROM amsbridge_attempt l WHERE l.message_id = q.id))
			ORDER BY q.id` + d.forUpdate,
		"forget messages": `DELETE FROM amsbridge_message WHERE id IN ` + d.list(1, kindInt) + `
				AND NOT EXISTS (SELECT 1 FROM amsbridge_queue w WHERE w.lane = amsbridge_message.lane AND w.id = amsbridge_message.id)`,
		"forget logs": `DELETE FROM amsbridge_attempt WHERE message_id IN ` + d.list(1, kindInt) + `
				AND NOT EXISTS (SELECT 1 FROM amsbridge_message m WHERE m.id = amsbridge_attempt.message_id)`,
	}
}
