package outbox

import (
	"context"
	"sync"
	"time"
)

// belt is a queue that costs next to nothing: what a sender does over it is the sender's own. A message that
// was settled, however, is done with.
type belt struct {
	mu       sync.Mutex
	names    []string // of destinations
	per      int      // messages of one person in a row
	total    int
	settled  []bool
	left     int
	unacked  int // every so often a settlement is not acknowledged; zero for never
	reads    int
	records  int
	batches  int
	all      chan struct{} // closed when all are settled
	begun    []Begun
	acked    []ID
	messages []Waiting
}

func newBelt(per int, names ...string) *belt {
	return &belt{per: per, names: names, all: make(chan struct{})}
}

// load puts so many more on it.
func (q *belt) load(n int, subject string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.total += n
	q.left += n
	q.settled = append(q.settled, make([]bool, n)...)
	for len(q.messages) < q.total {
		i := len(q.messages)
		q.messages = append(q.messages, Waiting{
			Message: Message{ID: ID(i + 1), Destination: q.names[i/q.per%len(q.names)], Subject: subject}, Key: int64(i / q.per),
		})
	}
}

func (q *belt) Join(context.Context, Joining) (SessionID, error) { return 1, nil }

func (q *belt) Beat(context.Context, Beat) (Pulse, error) {
	p := Pulse{Now: time.Now(), Sessions: []SessionBeats{{ID: 1}}}
	for n := range Shards {
		p.Owned = append(p.Owned, n)
	}
	return p, nil
}

func (q *belt) Read(_ context.Context, r Reading) (Read, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reads++
	got := Read{Last: r.After}
	if r.Due {
		return got, nil
	}
	except := make(map[string]bool, len(r.Except))
	for _, name := range r.Except {
		except[name] = true
	}
	for i := int(max(0, r.After)); i < q.total && !got.More; i++ {
		w := &q.messages[i]
		if r.UpTo > 0 && w.ID > r.UpTo {
			break
		}
		got.Last = w.ID
		if !q.settled[i] && !except[w.Destination] && (r.Destination == "" || w.Destination == r.Destination) && (!r.HasKey || w.Key == r.Key) {
			got.Messages = append(got.Messages, *w)
		}
		got.More = len(got.Messages) == r.Limit || i-int(r.After) == 5000
	}
	return got, nil
}

func (q *belt) Record(_ context.Context, f Flight) (Recorded, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.records++
	q.begun = q.begun[:0]
	for _, m := range f.Messages {
		if !q.settled[m.ID-1] { // a reading may have returned it before
			q.begun = append(q.begun, Begun{ID: m.ID})
		}
	}
	return Recorded{Begun: q.begun}, nil
}

func (q *belt) Settle(_ context.Context, s Settling) (Settled, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(s.Batch) == 0 {
		return Settled{}, nil
	}
	q.batches++
	q.acked = q.acked[:0]
	for i := range s.Batch {
		id := s.Batch[i].Message.ID
		q.settled[id-1] = true
		if q.unacked == 0 || int(id)%q.unacked > 0 {
			q.acked = append(q.acked, id)
		}
	}
	if q.left -= len(s.Batch); q.left == 0 {
		close(q.all)
		q.all = make(chan struct{})
	}
	return Settled{Acked: q.acked}, nil
}

func (*belt) Leave(context.Context, SessionID) error { return nil }

func (*belt) Prune(context.Context, Pruning) (Pruned, error) { return Pruned{}, nil }

func (*belt) NewTasks(context.Context, int) ([]OpenTask, error) { return nil, nil }

func (*belt) TasksTold(context.Context, []OpenTask) error { return nil }

// deliver is a destination, and finds itself by all names.
type deliver func(Message) error

func (d deliver) Deliver(_ context.Context, m Message) (Result, error) { return Result{}, d(m) }

func (d deliver) Resolve(string) (Destination, bool) { return d, true }
