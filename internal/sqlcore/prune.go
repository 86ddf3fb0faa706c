package sqlcore

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// defaultLimit is how many attempts one call of Prune looks at.
const defaultLimit = 1000

// pruneRule goes through rows in the order of time and remembers how far it came.
type pruneRule struct {
	name string
	age  time.Duration
	// some applies the rule to the next rows that are old enough.
	some func(ctx context.Context, q Conn, r pruneRule, most int) (looked, removed int, err error)
	sum  *int
}

// Prune removes what need not be kept any longer. Senders that prune at the same
// time wait for each other.
func (s *Store) Prune(ctx context.Context, p outbox.Pruning) (outbox.Pruned, error) {
	var sum outbox.Pruned
	left := cmp.Or(p.Limit, defaultLimit)
	for _, r := range []pruneRule{
		{"forget", p.Forget, s.eachAttempt(s.forget), &sum.Forgotten},
		{"replies", p.Replies, s.eachAttempt(s.forgetReplies), &sum.Replies},
		{"entries", p.Forget, s.forgetEntries, &sum.Forgotten},
	} {
		for r.age > 0 && left > 0 {
			var looked, removed int
			most := min(left, s.d.most)
			err := s.inTx(ctx, "", func(q Conn) (err error) {
				looked, removed, err = r.some(ctx, q, r, most)
				return err
			})
			if err != nil {
				return sum, s.failed("prune", err)
			}
			*r.sum += removed
			left -= looked
			if looked < most {
				break
			}
		}
	}
	sum.More = left < 1
	return sum, nil
}

// eachAttempt applies a rule to the messages of the next old attempts.
func (s *Store) eachAttempt(apply func(ctx context.Context, q Conn, ids any, upTo int64) (int, error),
) func(context.Context, Conn, pruneRule, int) (looked, removed int, err error) {
	return func(ctx context.Context, q Conn, rule pruneRule, most int) (looked, removed int, err error) {
		var at, id int64
		if _, err := one(ctx, q, []any{&at, new([]byte), &id}, s.sql["progress"], rule.name); err != nil {
			return 0, 0, err
		}
		var ids []int64
		err = each(ctx, q, func(r Rows) error {
			looked++
			err := r.Scan(&at, &id)
			ids = append(ids, id)
			return err
		}, s.sql["old attempts"], s.now(), rule.age.Microseconds(), at, id, most)
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
		_, err = q.Exec(ctx, s.sql["keep progress"], rule.name, at, []byte{}, id)
		return looked, removed, err
	}
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

// forget removes messages whose last attempt is final and not after that time, and what these
// attempts release. One with a sequel that its last attempt does not release is kept, and so are those
// that are released together where one of them is in the queue again. They are locked first, for an
// operator may put one back.
func (s *Store) forget(ctx context.Context, q Conn, ids any, upTo int64) (int, error) {
	gone, released := []outbox.ID{}, []outbox.ID{}
	var together [][]outbox.ID
	err := each(ctx, q, func(r Rows) error {
		var id outbox.ID
		var sequel, releases text
		if err := r.Scan(&id, &sequel, &releases); err != nil {
			return err
		}
		if releases == "" {
			if sequel == "" {
				gone = append(gone, id)
			}
			return nil
		}
		var more []outbox.ID
		err := json.Unmarshal([]byte(releases), &more)
		released, together = append(released, more...), append(together, more)
		return err
	}, s.sql["forgettable"], upTo, ids)
	if err != nil {
		return 0, err
	}
	if len(released) > 0 {
		slices.Sort(released)
		list, err := s.d.listArg(kindInt, slices.Compact(released))
		if err != nil {
			return 0, err
		}
		queued := map[outbox.ID]bool{} // of those that are still there
		err = each(ctx, q, func(r Rows) error {
			var id outbox.ID
			var waits bool
			err := r.Scan(&id, &waits)
			queued[id] = waits
			return err
		}, s.sql["released"], list)
		if err != nil {
			return 0, err
		}
		for _, ids := range together {
			if !slices.ContainsFunc(ids, func(id outbox.ID) bool { return queued[id] }) {
				gone = append(gone, ids...)
			}
		}
	}
	if len(gone) == 0 {
		return 0, nil
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
		"progress": `SELECT q.at, q.entry_key, q.id FROM amsbridge_progress q WHERE q.name = ?1` + d.forUpdate,
		"old attempts": `SELECT at, message_id FROM amsbridge_attempt
			WHERE at >= ?3 AND (at > ?3 OR message_id > ?4) AND at < {now} - ?2
			ORDER BY at, message_id LIMIT ?5`,
		"keep progress": `UPDATE amsbridge_progress SET at = ?2, entry_key = ?3, id = ?4 WHERE name = ?1`,
		"forget attempts": `DELETE FROM amsbridge_attempt
			WHERE message_id IN ` + d.list(2, kindInt) + ` AND at <= {at}
				AND n < (SELECT MAX(l.n) FROM amsbridge_attempt l WHERE l.message_id = amsbridge_attempt.message_id)`,
		"empty replies": `UPDATE amsbridge_attempt SET detail = ''
			WHERE message_id IN ` + d.list(2, kindInt) + ` AND at <= {at} AND detail <> ''`,
		"forgettable": `SELECT q.id, q.sequel, a.releases FROM amsbridge_message q CROSS JOIN amsbridge_attempt a
			WHERE q.id IN ` + d.list(2, kindInt) + `
				AND NOT EXISTS (SELECT 1 FROM amsbridge_queue w WHERE w.id = q.id)
				AND a.message_id = q.id AND a.state >= 3 AND a.at <= {at}
				AND a.n = (SELECT MAX(l.n) FROM amsbridge_attempt l WHERE l.message_id = q.id)
			ORDER BY q.id` + d.forUpdate,
		"released": `SELECT q.id, EXISTS (SELECT 1 FROM amsbridge_queue w WHERE w.id = q.id)
			FROM amsbridge_message q WHERE q.id IN ` + d.list(1, kindInt) + ` ORDER BY q.id` + d.forUpdate,
		"forget messages": `DELETE FROM amsbridge_message WHERE id IN ` + d.list(1, kindInt) + `
				AND NOT EXISTS (SELECT 1 FROM amsbridge_queue w WHERE w.id = amsbridge_message.id)`,
		"forget logs": `DELETE FROM amsbridge_attempt WHERE message_id IN ` + d.list(1, kindInt) + `
				AND NOT EXISTS (SELECT 1 FROM amsbridge_message m WHERE m.id = amsbridge_attempt.message_id)`,
	}
}
