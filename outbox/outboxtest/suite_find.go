package outboxtest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

func findClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"each field selects, and all must match", (*env[Tx]).findByField},
		{"a person is one of their association", (*env[Tx]).findPerson},
		{"scopes are told apart byte by byte", (*env[Tx]).findScope},
		{"pages follow each other", (*env[Tx]).findPages},
		{"a query that selects nothing is refused", (*env[Tx]).findRefuses},
		{"counts tell what stands in the queue", (*env[Tx]).countsQueue},
	}
}

func (s *env[Tx]) findByField() {
	parked := s.addParked(push("a", "U-1"))
	other := s.addParked(push("b", "U-1", to("notified")))
	pending := s.add(push("c", "U-2", func(m *outbox.Message) { m.Subject = "order-2" }))
	delivered := s.add(push("a", "U-3", to("elevate/acme")))
	f := s.sends("c", "a")
	s.settled(f.end(0, outbox.StatePending), f.end(1, outbox.StateDelivered))

	states := []outbox.State{outbox.StateDelivered, outbox.StateParked}
	for name, c := range map[string]struct {
		q    outbox.Query
		want []outbox.ID
	}{
		"ids":                    {outbox.Query{IDs: []outbox.ID{delivered, parked, 1 << 40}}, []outbox.ID{parked, delivered}},
		"subject":                {outbox.Query{Subject: "order-1"}, []outbox.ID{parked, other, delivered}},
		"person":                 {outbox.Query{Person: "U-1"}, []outbox.ID{parked, other}},
		"keys":                   {outbox.Query{Keys: []string{"c", "a", "absent"}}, []outbox.ID{parked, pending, delivered}},
		"keys in a destination":  {outbox.Query{Keys: []string{"a"}, Destination: "elevate"}, []outbox.ID{parked}},
		"pending":                {outbox.Query{States: []outbox.State{outbox.StatePending}}, []outbox.ID{pending}},
		"parked and delivered":   {outbox.Query{States: states}, []outbox.ID{parked, other, delivered}},
		"person and destination": {outbox.Query{Person: "U-1", Destination: "notified"}, []outbox.ID{other}},
		"person and state":       {outbox.Query{Person: "U-2", States: []outbox.State{outbox.StateParked}}, nil},
		"subject and key":        {outbox.Query{Subject: "order-2", Keys: []string{"a"}}, nil},
		"person, past an ID":     {outbox.Query{Person: "U-1", AfterID: parked}, []outbox.ID{other}},
		"ids, in a destination":  {outbox.Query{IDs: []outbox.ID{parked, other}, Destination: "notified"}, []outbox.ID{other}},
		"a state that none has":  {outbox.Query{States: []outbox.State{outbox.StateWithdrawn}}, nil},
		"a person that none has": {outbox.Query{Person: "U-9"}, nil},
	} {
		require.Equal(s.t, c.want, recordIDs(s.find(c.q)), name)
		s.inTx(func(tx Tx) {
			found, err := s.Store.FindTx(s.t.Context(), tx, c.q)
			require.NoError(s.t, err)
			require.Equal(s.t, c.want, recordIDs(found), "%s, in a transaction", name)
		})
	}
}

func recordIDs(records []outbox.Record) (ids []outbox.ID) {
	for i := range records {
		ids = append(ids, records[i].ID)
	}
	return ids
}

func (s *env[Tx]) findPerson() {
	none, acme, other := s.add(push("a", "U-1")), s.add(push("b", "U-1", to("elevate/acme"))), s.add(push("c", "U-1", to("elevate/acme.b")))
	there := s.add(push("d", "U-1", to("notified/acme")))
	s.add(push("e", "U-2", to("elevate/acme")))
	for association, want := range map[string][]outbox.ID{
		"": {none}, "acme": {acme, there}, "acme.b": {other}, "ACME": nil, "a": nil,
	} {
		q := outbox.Query{Person: "U-1", Association: association}
		require.Equal(s.t, want, recordIDs(s.find(q)), "association %q", association)
		s.inTx(func(tx Tx) {
			found, err := s.Store.FindTx(s.t.Context(), tx, q)
			require.NoError(s.t, err)
			require.Equal(s.t, want, recordIDs(found), "association %q, in a transaction", association)
		})
	}
	require.Empty(s.t, s.find(outbox.Query{Person: "U-1", Association: "acme", Destination: "elevate"}))
	require.Equal(s.t, []outbox.ID{there}, recordIDs(s.find(outbox.Query{Person: "U-1", Association: "acme", Destination: "notified/acme"})))
}

func (s *env[Tx]) findScope() {
	scope := func(scope string) func(*outbox.Message) { return func(m *outbox.Message) { m.Scope = scope } }
	s.insert(push("none", "U-1"), push("other", "U-2", scope(awkward[0])), push("there", "U-1", to("notified"), scope(awkward[0])))
	for i, name := range awkward {
		id := s.add(push(fmt.Sprint(i), "U-1", scope(name)))
		q := outbox.Query{Destination: "elevate", Person: "U-1", Scope: name}
		require.Equal(s.t, []outbox.ID{id}, recordIDs(s.find(q)), "%q", name)
		require.Equal(s.t, name, s.one(id).Scope)
	}
	require.Len(s.t, s.find(outbox.Query{Destination: "elevate", Person: "U-1"}), len(awkward)+1)
}

func (s *env[Tx]) findPages() {
	var msgs []outbox.Message
	for i := range 25 {
		msgs = append(msgs, push(fmt.Sprint(i), "U-1"))
	}
	s.insert(msgs...)
	var keys []string
	q := outbox.Query{Person: "U-1", Limit: 10}
	for _, n := range []int{10, 10, 5, 0} {
		page := s.find(q)
		require.Len(s.t, page, n)
		for _, r := range page {
			keys = append(keys, r.Key)
			require.Greater(s.t, r.ID, q.AfterID)
			q.AfterID = r.ID
		}
	}
	for i := range 25 {
		require.Equal(s.t, fmt.Sprint(i), keys[i])
	}
}

func (s *env[Tx]) findRefuses() {
	for _, q := range []outbox.Query{
		{},
		{Destination: "elevate"},
		{Person: "U-1", Limit: -1},
		{Person: "U-1", Limit: 10_001},
		{Keys: []string{"a"}, Association: "acme"},
		{Scope: "p"},
		{Reason: "r"},
		{Person: "U-1", FailedTo: time.Unix(1, 0)},
		{CreatedFrom: time.Unix(2, 0), CreatedTo: time.Unix(1, 0)},
	} {
		var bad *check.InputError
		_, err := s.Store.Find(s.t.Context(), q)
		require.ErrorAs(s.t, err, &bad)
		s.inTx(func(tx Tx) {
			_, err = s.Store.FindTx(s.t.Context(), tx, q)
			require.ErrorAs(s.t, err, &bad)
		})
	}
}

func (s *env[Tx]) countsQueue() {
	s.addParked(push("d", "U-3"))
	s.addParked(push("f", "U-3", to("notified")))
	oldest := s.add(push("a", "U-1"))
	s.insert(push("b", "U-1"), push("c", "U-2"), push("g", "U-4", to("done")))
	f := s.begin("a", "c", "g")
	s.settled(f.end(2, outbox.StateDelivered))
	counts := map[string]outbox.Count{}
	got, err := s.Store.Counts(s.t.Context())
	require.NoError(s.t, err)
	for _, c := range got {
		counts[c.Destination] = c
	}
	require.Len(s.t, got, len(counts), "one count for each destination")
	elevate := counts["elevate"]
	require.True(s.t, elevate.Oldest.Equal(s.one(oldest).Created))
	require.Equal(s.t, outbox.Count{
		Destination: "elevate", Pending: 3, InFlight: 2, Parked: 1, Oldest: elevate.Oldest,
	}, elevate)
	require.Equal(s.t, outbox.Count{Destination: "notified", Parked: 1}, counts["notified"])
	done := counts["done"]
	require.Zero(s.t, done.Pending+done.InFlight+done.Parked)
}
