package outboxtest

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

func findClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"each field selects, and all must match", (*stand[Tx]).findByField},
		{"pages follow each other", (*stand[Tx]).findPages},
		{"a query that selects nothing is refused", (*stand[Tx]).findRefuses},
		{"counts tell what stands in the queue", (*stand[Tx]).countsQueue},
	}
}

func (s *stand[Tx]) findByField() {
	parked := s.add(push("a", "U-1", born(outbox.StateParked)))
	held := s.add(push("b", "U-1", born(outbox.StateHeld), to("notified")))
	pending := s.add(push("c", "U-2", func(m *outbox.Message) { m.Subject = "order-2" }))
	delivered := s.add(push("a", "U-3", to("elevate/acme")))
	g := s.claim()
	require.Equal(s.t, []string{"c", "a"}, g.keys())
	s.settled(g.end(0, outbox.StatePending), g.end(1, outbox.StateDelivered))

	for name, c := range map[string]struct {
		q    outbox.Query
		want []outbox.ID
	}{
		"ids":                    {outbox.Query{IDs: []outbox.ID{delivered, parked, 1 << 40}}, []outbox.ID{parked, delivered}},
		"subject":                {outbox.Query{Subject: "order-1"}, []outbox.ID{parked, held, delivered}},
		"person":                 {outbox.Query{Person: "U-1"}, []outbox.ID{parked, held}},
		"keys":                   {outbox.Query{Keys: []string{"c", "a", "absent"}}, []outbox.ID{parked, pending, delivered}},
		"keys in a destination":  {outbox.Query{Keys: []string{"a"}, Destination: "elevate"}, []outbox.ID{parked}},
		"pending":                {outbox.Query{States: []outbox.State{outbox.StatePending}}, []outbox.ID{pending}},
		"parked and delivered":   {outbox.Query{States: []outbox.State{outbox.StateDelivered, outbox.StateParked}}, []outbox.ID{parked, delivered}},
		"person and state":       {outbox.Query{Person: "U-1", States: []outbox.State{outbox.StateHeld}}, []outbox.ID{held}},
		"subject and key":        {outbox.Query{Subject: "order-2", Keys: []string{"a"}}, nil},
		"person, past an ID":     {outbox.Query{Person: "U-1", AfterID: parked}, []outbox.ID{held}},
		"ids, in a destination":  {outbox.Query{IDs: []outbox.ID{parked, held}, Destination: "notified"}, []outbox.ID{held}},
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

func (s *stand[Tx]) findPages() {
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

func (s *stand[Tx]) findRefuses() {
	for _, q := range []outbox.Query{{}, {Destination: "elevate"}, {Person: "U-1", Limit: -1}, {Person: "U-1", Limit: 10_001}} {
		var bad *check.InputError
		_, err := s.Store.Find(s.t.Context(), q)
		require.ErrorAs(s.t, err, &bad)
		s.inTx(func(tx Tx) {
			_, err = s.Store.FindTx(s.t.Context(), tx, q)
			require.ErrorAs(s.t, err, &bad)
		})
	}
}

func (s *stand[Tx]) countsQueue() {
	oldest := s.add(push("a", "U-1"))
	s.insert(
		push("b", "U-1"), push("c", "U-2"), push("d", "U-3", born(outbox.StateParked)),
		push("e", "", born(outbox.StateHeld)), push("f", "", born(outbox.StateHeld), to("notified")),
		push("g", "U-4", to("done")),
	)
	g := s.claim()
	require.Equal(s.t, []string{"a", "c", "g"}, g.keys())
	s.settled(g.end(2, outbox.StateDelivered))
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
		Destination: "elevate", Pending: 3, InFlight: 2, Parked: 1, Held: 1, Oldest: elevate.Oldest,
	}, elevate)
	require.Equal(s.t, outbox.Count{Destination: "notified", Held: 1}, counts["notified"])
	done := counts["done"]
	require.Zero(s.t, done.Pending+done.InFlight+done.Parked+done.Held)
}
