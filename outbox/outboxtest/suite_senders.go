package outboxtest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// sendLog sees whether messages of one ordering key are ever in flight at two
// senders, and whether each is sent once, in the order of insertion.
type sendLog struct {
	mu    sync.Mutex
	at    map[int64]outbox.SessionID
	last  map[int64]outbox.ID
	sent  map[string]int
	want  int
	until time.Time
	// ordered tells that all was inserted before the first was sent.
	ordered bool
}

func newSendLog(want int) *sendLog {
	return &sendLog{
		at: map[int64]outbox.SessionID{}, last: map[int64]outbox.ID{}, sent: map[string]int{},
		want: want, until: time.Now().Add(3 * time.Minute),
	}
}

func (l *sendLog) done() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sent) >= l.want
}

func (l *sendLog) begin(by outbox.SessionID, m *outbox.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := m.OrderingKey()
	if other, ok := l.at[key]; ok {
		return fmt.Errorf("%s was sent by %d while another of its ordering key was in flight at %d", m.Key, by, other)
	}
	if l.ordered && m.ID <= l.last[key] {
		return fmt.Errorf("%s was sent after one that was inserted later", m.Key)
	}
	l.at[key], l.last[key] = by, m.ID
	if l.sent[m.Key]++; l.sent[m.Key] > 1 {
		return fmt.Errorf("%s was sent twice", m.Key)
	}
	return nil
}

// end comes before the settlement: after it, another sender may begin at once.
func (l *sendLog) end(msgs []outbox.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range msgs {
		delete(l.at, msgs[i].OrderingKey())
	}
}

// sender is what sends until all is delivered, as simply as one may.
type sender[Tx any] struct {
	*env[Tx]
	log     *sendLog
	session outbox.SessionID
	flight  int64
	owned   []int
}

// sendUntil sends until all is delivered, with at most so many shards. What a
// busy database refuses is tried again, as a sender does.
func (s *env[Tx]) sendUntil(log *sendLog, shards int) error {
	ctx := s.t.Context()
	one := sender[Tx]{env: s, log: log}
	err := one.again(func() (err error) {
		one.session, err = s.Store.Join(ctx, outbox.Joining{By: "s", Length: time.Minute})
		return err
	})
	if err != nil {
		return err
	}
	for !log.done() {
		if err := one.again(func() error { return one.exchange(ctx, shards) }); err != nil {
			return err
		}
		if err := one.sendSome(ctx); err != nil {
			return err
		}
	}
	return one.again(func() error { return s.Store.Leave(ctx, one.session) })
}

// errWrong is what no repetition mends.
var errWrong = errors.New("the store did what it must not")

// again calls f until it succeeds, for some minutes.
func (s *sender[Tx]) again(f func() error) error {
	for {
		err := f()
		switch {
		case err == nil:
			return nil
		case errors.Is(err, outbox.ErrNoSession), errors.Is(err, errWrong):
			return err
		case time.Now().After(s.log.until):
			return errors.Join(errors.New("not all was delivered within three minutes"), err)
		}
	}
}

// exchange gives a shard back, and takes others.
func (s *sender[Tx]) exchange(ctx context.Context, shards int) error {
	b := outbox.Beat{Session: s.session, Give: s.owned[:min(1, len(s.owned))]}
	b.Take = shards - len(s.owned) + len(b.Give)
	pulse, err := s.Store.Beat(ctx, b)
	if err == nil {
		s.owned = pulse.Owned
	}
	return err
}

// sendSome sends the first message of each ordering key that it reads, and
// settles it.
func (s *sender[Tx]) sendSome(ctx context.Context) error {
	if time.Now().After(s.log.until) {
		return errors.New("not all was delivered within three minutes")
	}
	r := outbox.Reading{Session: s.session, Shards: s.owned, Limit: 100}
	var read outbox.Read
	err := s.again(func() (err error) {
		read, err = s.Store.Read(ctx, r)
		return err
	})
	if err != nil || len(read.Messages) == 0 {
		return err
	}
	s.flight++
	f := outbox.Flight{Session: s.session, N: s.flight}
	byID := map[outbox.ID]outbox.Message{}
	taken := map[int64]bool{}
	for i := range read.Messages {
		if w := &read.Messages[i]; !taken[w.Key] {
			taken[w.Key] = true
			f.Messages = append(f.Messages, queued(w))
			byID[w.ID] = w.Message
		}
	}
	var begun []outbox.Message
	recorded, err := s.Store.Record(ctx, f)
	if err != nil {
		return nil //nolint:nilerr // a busy database: the next round reads again
	}
	for _, b := range recorded.Begun {
		m := byID[b.ID]
		begun = append(begun, m)
		if err := s.log.begin(s.session, &m); err != nil {
			return err
		}
	}
	runtime.Gosched() // this is when another may send what it must not
	s.log.end(begun)
	return s.settleAll(ctx, begun)
}

func (s *sender[Tx]) settleAll(ctx context.Context, msgs []outbox.Message) error {
	settling := outbox.Settling{Session: s.session, Over: []int64{s.flight}}
	for i := range msgs {
		settling.Batch = append(settling.Batch, delivered(msgs[i]))
	}
	uncertain := false
	return s.again(func() error {
		settled, err := s.Store.Settle(ctx, settling)
		if err != nil {
			uncertain = true // some may be recorded all the same
			return err
		}
		if !uncertain && len(settled.Acked)+len(settled.Locked) != len(settling.Batch) {
			return fmt.Errorf("%w: %d of %d settlements were acknowledged", errWrong, len(settled.Acked), len(settling.Batch))
		}
		if len(settled.Locked) > 0 {
			settling.Batch = keepLocked(settling.Batch, settled.Locked)
			return errors.New("some are locked")
		}
		if len(settled.Acked) < len(settling.Batch) {
			settling.Batch = nil
			_, err = s.Store.Settle(ctx, settling)
		}
		return err
	})
}

func delivered(m outbox.Message) outbox.Settlement {
	return outbox.Settlement{Message: m, State: outbox.StateDelivered, Outcome: outbox.OutcomeDelivered, Code: "200", By: "s"}
}

// keepLocked returns what is to be settled again.
func keepLocked(batch []outbox.Settlement, locked []outbox.ID) []outbox.Settlement {
	return slices.DeleteFunc(batch, func(st outbox.Settlement) bool { return !slices.Contains(locked, st.Message.ID) })
}
