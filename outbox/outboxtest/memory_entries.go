package outboxtest

import (
	"cmp"
	"context"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// about is what entries are numbered in.
type about struct{ association, subject string }

func aboutOf(e *outbox.Entry) about { return about{e.Association, e.Subject} }

// AppendTx implements [outbox.Writer].
func (m *Memory) AppendTx(ctx context.Context, tx *Tx, e outbox.Entry, msgs ...outbox.Message) (bool, error) {
	if err := m.enter(ctx, tx); err != nil {
		return false, err
	}
	defer m.mu.Unlock()
	if err := outbox.CheckEntry(e); err != nil {
		return false, err
	}
	if err := outbox.CheckMessages(msgs); err != nil {
		return false, err
	}
	of := aboutOf(&e)
	own := func(own outbox.Entry) bool { return aboutOf(&own) == of && own.N == e.N }
	if m.appended(of, e.N) || slices.ContainsFunc(tx.said, own) {
		return false, nil
	}
	e = cloneEntry(e)
	e.Created = m.clock()
	tx.said = append(tx.said, e)
	tx.insert(msgs)
	return true, nil
}

// appended tells whether an entry is committed.
func (m *Memory) appended(of about, n int) bool {
	return slices.ContainsFunc(m.entries[of], func(e outbox.Entry) bool { return e.N == n })
}

// append makes an entry visible.
func (m *Memory) append(e outbox.Entry) {
	entries := m.entries[aboutOf(&e)]
	at, _ := slices.BinarySearchFunc(entries, e, byNumber)
	m.entries[aboutOf(&e)] = slices.Insert(entries, at, e)
}

func byNumber(a, b outbox.Entry) int { return cmp.Compare(a.N, b.N) }

// LastEntryTx implements [outbox.Writer].
func (m *Memory) LastEntryTx(
	ctx context.Context, tx *Tx, association, subject string, _ int,
) (outbox.Entry, error) {
	if err := m.enter(ctx, tx); err != nil {
		return outbox.Entry{}, err
	}
	defer m.mu.Unlock()
	of := about{association, subject}
	var last outbox.Entry
	if entries := m.entries[of]; len(entries) > 0 {
		last = entries[len(entries)-1]
	}
	for _, e := range tx.said {
		if aboutOf(&e) == of && e.N > last.N {
			last = e
		}
	}
	if last.N == 0 {
		return outbox.Entry{}, nil
	}
	last = cloneEntry(last)
	for _, r := range m.subjects[subject] {
		if len(r.msg.Facts) == 0 && r.msg.Association() == association {
			last.Erased = append(last.Erased, r.msg.Key)
		}
	}
	return last, nil
}

// cloneEntry keeps the store's bytes apart from the caller's.
func cloneEntry(e outbox.Entry) outbox.Entry {
	e.Body, e.Tasks, e.Erased = slices.Clone(e.Body), slices.Clone(e.Tasks), nil
	for i := range e.Tasks {
		e.Tasks[i].Items = slices.Clone(e.Tasks[i].Items)
	}
	return e
}
