package sqlcore

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// Read returns pending messages that are fresh, or due, or both of one ordering key. It locks nothing.
func (s *Store) Read(ctx context.Context, r outbox.Reading) (outbox.Read, error) {
	if r.Limit < 1 || r.Limit > 10_000 {
		return outbox.Read{}, check.Bad(s.name, "Reading.Limit", "is not from 1 to 10,000")
	}
	r.Limit = min(r.Limit, s.d.mostRead)
	out, err := s.read(ctx, r)
	return out, s.failed("read", err)
}

func (s *Store) read(ctx context.Context, r outbox.Reading) (outbox.Read, error) {
	statement, err := s.d.read(s, r)
	if err != nil {
		return outbox.Read{}, err
	}
	var out outbox.Read
	var scan *waitingScan
	err = s.pinned(ctx, func(q Conn) error {
		out, scan = outbox.Read{}, newWaitingScan()
		return eachLast(ctx, q, func(rows Rows) error {
			w, err := scan.read(rows)
			if w.ID != 0 {
				out.Messages = append(out.Messages, w)
			}
			return err
		}, statement.text, statement.args...)
	})
	if err == nil && !scan.alive {
		err = outbox.ErrNoSession
	}
	if err != nil {
		return outbox.Read{}, err
	}
	slices.SortFunc(out.Messages, func(a, b outbox.Waiting) int {
		if r.Due && !r.HasKey {
			return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
		}
		return cmp.Compare(a.ID, b.ID)
	})
	out.LastDue, out.Last = r.AfterDue, max(r.After, outbox.ID(scan.last))
	if n := len(out.Messages); n > 0 {
		out.More = n == r.Limit
		if w := out.Messages[n-1]; out.More || w.ID > out.Last || r.Due {
			out.LastDue, out.Last = w.Due, w.ID
		}
	} else if r.Due && !r.HasKey {
		out.NextDue = outbox.MaxNextDue
		if scan.next > 0 {
			out.NextDue = micros(scan.next - scan.now)
		}
	}
	return out, nil
}

// pinned runs a reading where no guess of the planner leads it astray.
func (s *Store) pinned(ctx context.Context, fn func(Conn) error) error {
	if s.d.pin == "" {
		return fn(s.db)
	}
	return s.inTx(ctx, "", fn)
}

// headColumns are told in each row, of which there is one at least.
const headColumns = "l.alive, l.last, l.next, l.now, "

// readColumns are a waiting message's; all but bytes and texts are zero where there is none.
const readColumns = `COALESCE(m.id, 0), m.destination, m.key, m.key_parts, m.kind, COALESCE(m.version, 0), m.person, m.subject,
	m.items, m.facts, m.scope, m.sequel, COALESCE(m.trace_context, ''), COALESCE(m.created_at, 0),
	COALESCE(x.ordering_key, 0), COALESCE(x.due_at, 0), COALESCE(x.lost, 0), COALESCE(x.attempts, 0), COALESCE(x.doubt, 0), x.profile`

// waitingScan reads one row after another.
type waitingScan struct {
	// alive tells that the session is not over.
	alive bool
	// last is the last ID that was looked at, where the limit was not reached and that can be told.
	last int64
	// next is when the next message falls due, or zero where none does within outbox.MaxNextDue. Now is the
	// time.
	next, now int64

	w       outbox.Waiting
	due     int64
	doubt   uint8
	message messageScan
	into    []any
}

func newWaitingScan() *waitingScan {
	s := &waitingScan{}
	s.message.into = &s.w.Message
	s.into = append([]any{&s.alive, &s.last, &s.next, &s.now}, s.message.targets()...)
	s.into = append(s.into, &s.w.Key, &s.due, &s.w.Lost, &s.w.Attempt, &s.doubt, &s.w.Profile)
	return s
}

// read returns a message, or one without ID where there is none.
func (s *waitingScan) read(r Rows) (outbox.Waiting, error) {
	if err := r.Scan(s.into...); err != nil || s.message.id == 0 {
		return outbox.Waiting{}, err
	}
	err := s.message.finish()
	w := s.w
	w.Due, w.Doubt = fromMicro(s.due), outbox.Doubt(s.doubt)
	if err != nil {
		w.Message = outbox.Message{ID: w.ID, Destination: w.Destination}
		w.Broken = err.Error()
	}
	return w, nil
}

// reading is a reading's statement.
type reading struct {
	text string
	args []any
}

// readText builds one. Its text depends on what is asked for, and not on the values, so that it can be
// prepared.
type readText struct {
	s     *Store
	r     outbox.Reading
	args  []any
	where []string
	// session is the parameter of the session.
	session string
}

// newReadText begins with the time, where the statement needs it.
func newReadText(s *Store, r outbox.Reading) *readText {
	t := &readText{s: s, r: r}
	if r.Due || r.HasKey {
		t.arg(s.now())
	}
	t.session = t.arg(r.Session)
	return t
}

func (t *readText) arg(value any) string {
	t.args = append(t.args, value)
	return parameter(len(t.args))
}

func (t *readText) when(conditions ...string) { t.where = append(t.where, conditions...) }

func (t *readText) conditions() string { return strings.Join(t.where, " AND ") }

func (t *readText) after() string { return t.arg(t.r.After) }

func (t *readText) upTo() string {
	if t.r.UpTo == 0 {
		return t.arg(int64(math.MaxInt64))
	}
	return t.arg(t.r.UpTo)
}

func (t *readText) afterDue() string {
	if t.r.AfterDue.IsZero() {
		return t.arg(int64(0))
	}
	return t.arg(t.r.AfterDue.UnixMicro())
}

// common adds the conditions of every reading of rows q. Shards are the bits of one number: a list that the
// rows might be joined with would offer the planner a choice.
func (t *readText) common() error {
	var shards uint64
	for _, shard := range t.r.Shards {
		shards |= 1 << uint(shard) //nolint:gosec // below 64
	}
	t.when(`(q.stamp = 0 OR q.stamp = `+t.session+`)`,
		`(CAST(`+t.arg(int64(shards))+` AS BIGINT) >> q.shard) & 1 = 1`) //nolint:gosec // all bits are wanted
	except := make([]string, len(t.r.Except))
	for i, name := range t.r.Except {
		except[i] = hexed(name)
	}
	list, err := t.s.d.in(t.s.d, &t.args, kindBytes, except)
	if err != nil {
		return err
	}
	t.when(`q.destination NOT IN ` + list)
	known := t.r.Known
	if known == nil {
		known = []outbox.ID{}
	}
	list, err = t.s.d.in(t.s.d, &t.args, kindInt, known)
	t.when(`q.id NOT IN ` + list)
	return err
}

// alive tells whether the session is not over.
func (t *readText) alive() string {
	return `EXISTS (SELECT 1 FROM amsbridge_session z WHERE z.id = ` + t.session + `)`
}

// maxNextDue is outbox.MaxNextDue. Rows of destinations to pass over may be many, so that no reading looks
// further ahead than it must.
var maxNextDue = strconv.FormatInt(outbox.MaxNextDue.Microseconds(), 10)

// next is when the next of the rows q falls due that meets the conditions so far, and this one.
func (t *readText) next(path, condition, order string) string {
	return `COALESCE((SELECT q.due_at FROM amsbridge_queue q` + path + ` WHERE ` + t.conditions() + ` AND ` + condition +
		` ORDER BY ` + order + ` LIMIT 1), 0)`
}

// greatest is the greatest ID up to the last one to read: all up to it is looked at where the limit is not
// reached.
func (t *readText) greatest() string {
	return `(SELECT COALESCE(MAX(g.id), 0) FROM amsbridge_queue g WHERE g.id <= ` + t.upTo() + `)`
}

func (t *readText) finish(text string) reading { return reading{t.s.d.render(text), t.args} }
