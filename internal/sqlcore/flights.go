package sqlcore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/amsbridge/amsbridge/outbox"
)

// flying are sessions that are not over, and the messages that their flights name, each with the time when one
// that names it was last recorded.
type flying struct {
	sessions map[outbox.SessionID]bool
	recorded map[outbox.ID]int64
	now      int64
}

// sending is what a row of the queue tells of whether it is in flight.
type sending struct {
	state  outbox.State
	stamp  outbox.SessionID
	putOff int64 // zero until it is put off
}

// sendingColumns are those of a row q of the queue.
const sendingColumns = "q.state, q.stamp, COALESCE(q.put_off_at, 0)"

func (m *sending) targets() []any { return []any{&m.state, &m.stamp, &m.putOff} }

// has tells whether a message is in flight. What was put off since it was recorded was settled; but of a time that
// has not come yet, since the clock was set back, nobody knows what came after it. A stamped message may be sent
// without a flight.
func (f flying) has(id outbox.ID, m sending) bool {
	at, named := f.recorded[id]
	return m.state == outbox.StatePending && (f.sessions[m.stamp] || named && (m.putOff <= at || m.putOff > f.now))
}

// flying looks at the flights that a statement selects. Of a message that the transaction locked before, it tells
// the truth until the transaction ends.
func (s *Store) flying(ctx context.Context, q Conn, statement string, args ...any) (flying, error) {
	f := flying{sessions: map[outbox.SessionID]bool{}, recorded: map[outbox.ID]int64{}}
	err := each(ctx, q, func(r Rows) error {
		var session outbox.SessionID
		var list text
		var at int64
		if err := r.Scan(&session, &list, &at, &f.now); err != nil {
			return err
		}
		f.sessions[session] = true
		if list == "" {
			return nil
		}
		var ids []outbox.ID
		if err := json.Unmarshal([]byte(list), &ids); err != nil {
			return fmt.Errorf("a flight of session %d: %w", session, err)
		}
		for _, id := range ids {
			f.recorded[id] = max(f.recorded[id], at)
		}
		return nil
	}, s.sql[statement], append([]any{s.now()}, args...)...)
	return f, err
}

// flights selects all of them, of all sessions.
const flights = `SELECT z.id, f.ids, COALESCE(f.recorded_at, 0), {now}
	FROM amsbridge_session z LEFT JOIN amsbridge_flight f ON f.session = z.id`
