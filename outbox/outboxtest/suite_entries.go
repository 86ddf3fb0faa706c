package outboxtest

import (
	"bytes"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

func entryClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"an entry is appended with its messages", (*env[Tx]).entryAppended},
		{"a subject without entries has none", (*env[Tx]).noEntry},
		{"a number that exists is told, and nothing is written", (*env[Tx]).numberMet},
		{"a transaction meets its own entries", (*env[Tx]).ownEntries},
		{"a rollback leaves no entry", (*env[Tx]).entryRolledBack},
		{"a message of an entry whose key exists is left out", (*env[Tx]).entryKeyExists},
		{"a large entry is appended whole", (*env[Tx]).largeEntry},
		{"a bad entry or message writes nothing of its call", (*env[Tx]).badEntry},
		{"associations and subjects are told apart byte by byte", (*env[Tx]).subjectsByBytes},
		{"a body is any bytes", (*env[Tx]).anyBody},
		{"the last entry tells which messages' persons were erased", (*env[Tx]).entryTellsErased},
		{"old entries are forgotten, a subject's first and last never", (*env[Tx]).entriesForgotten},
	}
}

// entry is an entry of order-1.
func entry(n int, body string, tasks ...outbox.Task) outbox.Entry {
	return outbox.Entry{Subject: "order-1", N: n, Body: []byte(body), Tasks: tasks}
}

// append appends an entry in a transaction of its own, and requires that it is
// new.
func (s *env[Tx]) append(e outbox.Entry, msgs ...outbox.Message) {
	s.t.Helper()
	s.inTx(func(tx Tx) { s.appendTx(tx, true, e, msgs...) })
}

func (s *env[Tx]) appendTx(tx Tx, want bool, e outbox.Entry, msgs ...outbox.Message) {
	s.t.Helper()
	appended, err := s.Store.AppendTx(s.t.Context(), tx, e, msgs...)
	require.NoError(s.t, err)
	require.Equal(s.t, want, appended)
}

func (s *env[Tx]) lastTx(tx Tx, association, subject string, met int) outbox.Entry {
	s.t.Helper()
	last, err := s.Store.LastEntryTx(s.t.Context(), tx, association, subject, met)
	require.NoError(s.t, err)
	return last
}

// last returns the last entry of a subject without an association.
func (s *env[Tx]) last(subject string) (last outbox.Entry) {
	s.t.Helper()
	s.inTx(func(tx Tx) { last = s.lastTx(tx, "", subject, 0) })
	return last
}

// requireEntry requires that an entry is as it was appended.
func (s *env[Tx]) requireEntry(want, got outbox.Entry) {
	s.t.Helper()
	require.False(s.t, got.Created.IsZero())
	got.Created = time.Time{}
	if len(want.Body) == 0 && len(got.Body) == 0 {
		got.Body = want.Body // nil or empty
	}
	if len(want.Tasks) == 0 && len(got.Tasks) == 0 {
		got.Tasks = want.Tasks
	}
	require.Equal(s.t, want, got)
}

func (s *env[Tx]) entryAppended() {
	first := entry(1, "first", outbox.Task{ID: "t", Items: []string{"line-1"}, Text: "whose?", New: true})
	s.append(first, push("a", "U-1"), push("b", "U-2"))
	s.requireEntry(first, s.last("order-1"))
	found := s.find(outbox.Query{Subject: "order-1"})
	require.Len(s.t, found, 2)
	require.Equal(s.t, "a", found[0].Key)
	require.Equal(s.t, "b", found[1].Key)
	require.WithinDuration(s.t, found[0].Created, s.last("order-1").Created, time.Minute)
	s.sends("a", "b")

	s.Advance(time.Hour)
	second := entry(2, "second")
	s.append(second)
	last := s.last("order-1")
	s.requireEntry(second, last)
	require.True(s.t, last.Created.After(found[0].Created))
	require.Len(s.t, s.all(), 2)
}

func (s *env[Tx]) noEntry() {
	s.add(push("a", "U-1"))
	require.Equal(s.t, outbox.Entry{}, s.last("order-1"))
	s.append(entry(1, "first"))
	require.Equal(s.t, outbox.Entry{}, s.last("order-2"))
}

func (s *env[Tx]) numberMet() {
	first := entry(1, "first")
	s.append(first, push("a", "U-1"))
	s.inTx(func(tx Tx) {
		s.appendTx(tx, false, entry(1, "other", outbox.Task{ID: "t", Text: "whose?", New: true}), push("b", "U-2"))
		s.requireEntry(first, s.lastTx(tx, "", "order-1", 1))
		s.appendTx(tx, true, entry(2, "second"), push("c", "U-3"))
	})
	s.requireEntry(entry(2, "second"), s.last("order-1"))
	s.inTx(func(tx Tx) {
		s.appendTx(tx, false, entry(1, "late"), push("d", "U-4"))
		s.requireEntry(entry(2, "second"), s.lastTx(tx, "", "order-1", 1))
		s.appendTx(tx, false, entry(2, "late"), push("d", "U-4"))
	})
	s.sends("a", "c")
	require.Len(s.t, s.all(), 2)
}

func (s *env[Tx]) ownEntries() {
	s.inTx(func(tx Tx) {
		s.appendTx(tx, true, entry(1, "first"), push("a", "U-1"))
		s.requireEntry(entry(1, "first"), s.lastTx(tx, "", "order-1", 0))
		s.appendTx(tx, false, entry(1, "again"), push("b", "U-1"))
		s.requireEntry(entry(1, "first"), s.lastTx(tx, "", "order-1", 1))
		s.appendTx(tx, true, entry(2, "second"), push("c", "U-1"))
		s.requireEntry(entry(2, "second"), s.lastTx(tx, "", "order-1", 1))
		other := entry(1, "other")
		other.Subject = "order-2"
		s.appendTx(tx, true, other)
	})
	s.requireEntry(entry(2, "second"), s.last("order-1"))
	require.Equal(s.t, 1, s.last("order-2").N)
	require.Len(s.t, s.all(), 2)
}

func (s *env[Tx]) entryRolledBack() {
	tx, err := s.Begin()
	require.NoError(s.t, err)
	s.appendTx(tx, true, entry(1, "first", outbox.Task{ID: "t", Text: "whose?", New: true}), push("a", "U-1"))
	s.Rollback(tx)
	require.Zero(s.t, s.last("order-1").N)
	require.Empty(s.t, s.all())
	require.Empty(s.t, s.tasks())
	require.Empty(s.t, s.newTasks())
	s.append(entry(1, "anew"), push("a", "U-1"))
	s.requireEntry(entry(1, "anew"), s.last("order-1"))
	s.sends("a")
}

func (s *env[Tx]) entryKeyExists() {
	known := s.add(push("a", "U-1"))
	s.append(entry(1, "first"),
		push("new", "U-2"), push("a", "U-1", facts("other")), push("new", "U-2", facts("other")))
	require.Equal(s.t, "facts of a", string(s.one(known).Facts))
	found := s.find(outbox.Query{Keys: []string{"new"}})
	require.Len(s.t, found, 1)
	require.Equal(s.t, "facts of new", string(found[0].Facts))
	require.Len(s.t, s.all(), 2)
}

// largeEntry has many messages and tasks: more of them than one statement may
// take.
func (s *env[Tx]) largeEntry() {
	const many = 2500
	e := entry(1, "large")
	msgs := make([]outbox.Message, many)
	for i := range many {
		e.Tasks = append(e.Tasks, fresh(fmt.Sprint(i)))
		msgs[i] = push(fmt.Sprint(i), fmt.Sprint("U-", i%100))
	}
	s.add(msgs[many/2])
	s.append(e, msgs...)
	s.requireEntry(e, s.last("order-1"))
	require.Len(s.t, s.all(), many)
	require.Len(s.t, s.tasks(), many)
	for _, want := range []int{1000, 1000, 500, 0} {
		tasks := s.newTasks()
		require.Len(s.t, tasks, want)
		s.told(tasks...)
	}
}

func (s *env[Tx]) badEntry() {
	var bad *check.InputError
	two := []outbox.Message{push("a", "U-1"), push("b", "U-1", to("Not A Name"))}
	for name, c := range map[string]struct {
		field string
		e     outbox.Entry
		msgs  []outbox.Message
	}{
		"number":      {"e.N", entry(0, "x"), nil},
		"association": {"e.Association", outbox.Entry{Subject: "order-1", Association: "a b", N: 1}, nil},
		"subject":     {"e.Subject", outbox.Entry{Subject: "order\x00", N: 1}, nil},
		"body":        {"e.Body", entry(1, string(make([]byte, outbox.MaxBody+1))), nil},
		"task":        {"e.Tasks[0].ID", entry(1, "x", outbox.Task{Text: "whose?"}), nil},
		"message":     {"msgs[1].Destination", entry(1, "x"), two},
	} {
		s.inTx(func(tx Tx) {
			appended, err := s.Store.AppendTx(s.t.Context(), tx, c.e, c.msgs...)
			require.ErrorAs(s.t, err, &bad, name)
			require.Equal(s.t, c.field, bad.Field, name)
			require.False(s.t, appended, name)
			require.Zero(s.t, s.lastTx(tx, "", "order-1", 0).N, "the transaction is usable")
		})
	}
	require.Empty(s.t, s.all())
	require.Zero(s.t, s.last("order-1").N)
}

func (s *env[Tx]) subjectsByBytes() {
	subjects := append([]string{""}, awkward...)
	associations := []string{"", "acme", "Acme", "acme.b"}
	for i, subject := range subjects {
		for j, association := range associations {
			s.append(outbox.Entry{Association: association, Subject: subject, N: 1, Body: []byte{byte(i), byte(j)}})
		}
	}
	for i, subject := range subjects {
		for j, association := range associations {
			s.inTx(func(tx Tx) {
				last := s.lastTx(tx, association, subject, 0)
				want := outbox.Entry{Association: association, Subject: subject, N: 1, Body: []byte{byte(i), byte(j)}}
				s.requireEntry(want, last)
			})
		}
	}
}

func (s *env[Tx]) anyBody() {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for i, body := range [][]byte{
		all, nil,
		{0},
		{0, 0, 0},
		[]byte("\xff\xfe\x00\xed\xa0\x80"), []byte(`{"b":1, "a":"\u0000","b":2}`), []byte(" "), []byte(`\x41`),
		bytes.Repeat([]byte{'a', 0, 0x80, '\''}, outbox.MaxBody/4),
	} {
		s.append(entry(i+1, string(body)))
		last := s.last("order-1")
		require.Equal(s.t, i+1, last.N)
		require.True(s.t, bytes.Equal(body, last.Body), "body %d", i)
	}
}

func (s *env[Tx]) entryTellsErased() {
	s.append(entry(1, "first"),
		theirs("a"), push("b", "U-2"), theirs("c", to("notified")), theirs("there", to("elevate/acme")))
	s.add(theirs("other", func(m *outbox.Message) { m.Subject = "order-2" }))
	require.Empty(s.t, s.last("order-1").Erased)
	s.erased(3)
	last := s.last("order-1")
	require.ElementsMatch(s.t, []string{"a", "c"}, last.Erased)
	require.Equal(s.t, "first", string(last.Body))
	s.append(entry(2, "second"))
	require.ElementsMatch(s.t, []string{"a", "c"}, s.last("order-1").Erased)
	s.append(outbox.Entry{Association: "acme", Subject: "order-1", N: 1})
	s.inTx(func(tx Tx) { require.Empty(s.t, s.lastTx(tx, "acme", "order-1", 0).Erased) })
}

func (s *env[Tx]) entriesForgotten() {
	for n := range 4 {
		s.append(entry(n+1, "old"))
	}
	s.append(outbox.Entry{Subject: "order-2", N: 1, Body: []byte("only")})
	s.Advance(11 * day)
	s.append(entry(5, "young"))
	s.append(entry(6, "last"))
	_, forgotten := s.prune(outbox.Pruning{Forget: 12 * day, Replies: day})
	require.Zero(s.t, forgotten)
	pruned, err := s.Store.Prune(s.t.Context(), outbox.Pruning{Forget: 10 * day, Limit: 1})
	require.NoError(s.t, err)
	require.True(s.t, pruned.More)
	require.Less(s.t, pruned.Forgotten, 3)
	_, forgotten = s.prune(outbox.Pruning{Forget: 10 * day})
	require.Equal(s.t, 3, pruned.Forgotten+forgotten)
	_, forgotten = s.prune(outbox.Pruning{Forget: 10 * day})
	require.Zero(s.t, forgotten)

	s.requireEntry(entry(6, "last"), s.last("order-1"))
	require.Equal(s.t, "only", string(s.last("order-2").Body))
	s.inTx(func(tx Tx) {
		for _, n := range []int{1, 5, 6} {
			s.appendTx(tx, false, entry(n, "again"))
		}
		s.requireEntry(entry(6, "last"), s.lastTx(tx, "", "order-1", 1))
	})
}
