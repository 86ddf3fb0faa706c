package outboxtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

func readClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"messages are found by when they were created", (*env[Tx]).findByTime},
		{"what failed is found, delivered since or not", (*env[Tx]).findFailed},
		{"the queue is found by destination, reason and scope", (*env[Tx]).findQueued},
		{"a subject is found in one association", (*env[Tx]).findSubjectOf},
		{"pages go both ways, whatever is inserted meanwhile", (*env[Tx]).findBothWays},
		{"groups count by destination, state and reason", (*env[Tx]).groups},
		{"groups count what a query matches", (*env[Tx]).groupsOfQuery},
		{"logs of several messages are read by the page", (*env[Tx]).attemptPages},
		{"the audit is found by what was acted on, who did, and when", (*env[Tx]).auditQueries},
		{"the audit's pages follow each other", (*env[Tx]).auditPages},
		{"tasks are found by subject and time", (*env[Tx]).taskQueries},
		{"tasks' pages follow each other", (*env[Tx]).taskPages},
		{"everything has a state of its own", (*env[Tx]).everythingPaused},
		{"queries out of range are refused", (*env[Tx]).readsRefuse},
	}
}

func scoped(scope string) func(*outbox.Message) {
	return func(m *outbox.Message) { m.Scope = scope }
}

func ofOrder(subject string) func(*outbox.Message) {
	return func(m *outbox.Message) { m.Subject = subject }
}

// found requires what a query finds, in the order of the IDs and the other way round, outside and inside
// of a transaction.
func (s *env[Tx]) found(q outbox.Query, want ...outbox.ID) {
	s.t.Helper()
	for _, newest := range []bool{false, true} {
		q.Newest = newest
		require.Equal(s.t, want, recordIDs(s.find(q)), "%+v", q)
		s.inTx(func(tx Tx) {
			found, err := s.Store.FindTx(s.t.Context(), tx, q)
			require.NoError(s.t, err)
			require.Equal(s.t, want, recordIDs(found), "%+v, in a transaction", q)
		})
		want = slices.Clone(want)
		slices.Reverse(want)
	}
}

func (s *env[Tx]) findByTime() {
	var ids []outbox.ID
	for i := range 4 {
		ids = append(ids, s.add(push(fmt.Sprint(i), fmt.Sprint("U-", i), scoped(fmt.Sprint("product ", i%2)))))
		if i == 0 {
			s.deliver("0")
		}
		s.Advance(time.Hour)
	}
	at := func(i int) time.Time { return s.one(ids[i]).Created }
	q := outbox.Query{CreatedFrom: at(1), CreatedTo: at(3)}
	s.found(q, ids[1], ids[2])
	s.found(outbox.Query{CreatedFrom: at(2)}, ids[2], ids[3])
	s.found(outbox.Query{CreatedFrom: at(3).Add(time.Second)})
	s.found(outbox.Query{CreatedFrom: at(0), Scope: "product 1"}, ids[1], ids[3])
	s.found(outbox.Query{CreatedFrom: at(0), Destination: "notified"})
	s.found(outbox.Query{CreatedFrom: at(0), States: []outbox.State{outbox.StateDelivered}}, ids[0])
	s.found(outbox.Query{CreatedFrom: at(1), States: []outbox.State{outbox.StatePending, outbox.StateDelivered}}, ids[1:]...)
	s.found(outbox.Query{CreatedTo: at(2), Subject: "order-1"}, ids[:2]...)
	s.found(outbox.Query{CreatedFrom: at(2), States: []outbox.State{outbox.StatePending}}, ids[2:]...)
	q.AfterID = ids[1]
	s.found(q, ids[2])
	q.AfterID, q.BeforeID = 0, ids[2]
	s.found(q, ids[1])
}

func (s *env[Tx]) findFailed() {
	start := s.one(s.add(push("start", "U-0"))).Created
	s.deliver("start")
	s.Advance(time.Hour)
	retried, parked := s.add(push("retried", "U-1")), s.add(push("parked", "U-2", to("notified")))
	s.add(push("waits", "U-3"))
	f := s.sends("retried", "parked", "waits")
	s.settled(
		f.end(0, outbox.StatePending, func(e *outbox.Settlement) { e.Outcome, e.Reason = outbox.OutcomeUnavailable, "no answer" }),
		f.end(1, outbox.StateParked, func(e *outbox.Settlement) { e.Outcome, e.Reason = outbox.OutcomeRejected, "unknown product" }),
		f.end(2, outbox.StatePending, func(e *outbox.Settlement) { e.Outcome, e.Deferred = outbox.OutcomeNone, true }, delay(24*time.Hour)),
	)
	s.Advance(2 * time.Minute)
	s.deliver("retried")
	end := s.one(retried).Settled
	all := outbox.Query{FailedFrom: start}
	s.found(all, retried, parked)
	s.found(outbox.Query{FailedFrom: start, States: []outbox.State{outbox.StateDelivered}}, retried)
	s.found(outbox.Query{FailedFrom: start, Destination: "notified"}, parked)
	s.found(outbox.Query{FailedFrom: start, Reason: "unknown product"}, parked)
	s.found(outbox.Query{FailedFrom: start, CreatedFrom: end})
	s.found(outbox.Query{FailedFrom: start, Person: "U-1"}, retried)
	s.found(outbox.Query{FailedFrom: start, BeforeID: parked}, retried)
	s.found(outbox.Query{FailedFrom: start, AfterID: retried}, parked)
	s.found(outbox.Query{FailedFrom: start, FailedTo: start.Add(time.Minute)})
	s.found(outbox.Query{FailedFrom: end.Add(time.Second)})
	all.Limit = 1
	require.Equal(s.t, []outbox.ID{retried}, recordIDs(s.find(all)))
}

// parkedFor adds a message and parks it with a reason.
func (s *env[Tx]) parkedFor(reason string, msg outbox.Message) outbox.ID {
	id := s.add(msg)
	f := s.begin(msg.Key)
	s.settled(f.end(0, outbox.StateParked, func(e *outbox.Settlement) { e.Reason = reason }))
	return id
}

func (s *env[Tx]) findQueued() {
	const odd = "it's 100 % “odd”\\"
	a := s.parkedFor("unknown product", push("a", "U-1", scoped("product 1")))
	b := s.parkedFor(odd, push("b", "U-2", scoped("product 2")))
	c := s.parkedFor("unknown product", push("c", "U-3", to("notified"), scoped("product 1")))
	d := s.add(push("d", "U-4", scoped("product 1")))
	parked := []outbox.State{outbox.StateParked}
	s.found(outbox.Query{States: parked}, a, b, c)
	s.found(outbox.Query{States: parked, Destination: "elevate"}, a, b)
	s.found(outbox.Query{States: parked, Reason: "unknown product"}, a, c)
	s.found(outbox.Query{States: parked, Reason: odd}, b)
	s.found(outbox.Query{States: parked, Reason: "unknown"})
	s.found(outbox.Query{States: parked, Reason: "unknown product", Destination: "notified"}, c)
	s.found(outbox.Query{States: parked, Scope: "product 1"}, a, c)
	s.found(outbox.Query{States: []outbox.State{outbox.StateParked, outbox.StatePending}, Scope: "product 1"}, a, c, d)
	s.found(outbox.Query{States: []outbox.State{outbox.StatePending}, Destination: "elevate"}, d)
	s.found(outbox.Query{Subject: "order-1", Reason: odd}, b)
	s.found(outbox.Query{Person: "U-3", Scope: "product 1"}, c)
	s.found(outbox.Query{Person: "U-3", Scope: "product 2"})
}

func (s *env[Tx]) findSubjectOf() {
	none, acme := s.add(push("a", "U-1")), s.add(push("b", "U-1", to("elevate/acme")))
	s.found(outbox.Query{Subject: "order-1"}, none, acme)
	s.found(outbox.Query{Subject: "order-1", Association: "acme"}, acme)
	s.found(outbox.Query{Subject: "order-1", Association: "ac"})
}

func (s *env[Tx]) findBothWays() {
	var ids []outbox.ID
	add := func() { ids = append(ids, s.parkedFor("so", push(fmt.Sprint(len(ids)), "U-1"))) }
	for range 7 {
		add()
	}
	parked := outbox.Query{States: []outbox.State{outbox.StateParked}, Limit: 3, Newest: true}
	pages := func(q outbox.Query) (all []outbox.ID) {
		for {
			page := recordIDs(s.find(q))
			if all = append(all, page...); len(page) < q.Limit {
				return all
			}
			add()
			if q.BeforeID = page[len(page)-1]; !q.Newest {
				q.BeforeID, q.AfterID = 0, page[len(page)-1]
			}
		}
	}
	before := slices.Clone(ids)
	slices.Reverse(before)
	require.Equal(s.t, before, pages(parked), "what is new is not met on the way back")
	parked.Newest = false
	met := pages(parked)
	require.Equal(s.t, ids, met, "and is met on the way there")
}

func (s *env[Tx]) groupsAre(q outbox.Query, want ...outbox.Group) {
	s.t.Helper()
	groups, err := s.Store.Groups(s.t.Context(), q)
	require.NoError(s.t, err)
	require.Equal(s.t, want, groups, "%+v", q)
}

func (s *env[Tx]) groups() {
	s.groupsAre(outbox.Query{})
	a := s.parkedFor("unknown product", push("a", "U-1"))
	b := s.parkedFor("no registration", push("b", "U-2", to("notified")))
	c := s.parkedFor("unknown product", push("c", "U-3", scoped("product 1")))
	s.insert(push("done", "U-4"))
	s.deliver("done")
	d := s.add(push("d", "U-4"))
	product := outbox.Group{Destination: "elevate", State: outbox.StateParked, Reason: "unknown product", Count: 2, First: a, Last: c}
	pending := outbox.Group{Destination: "elevate", State: outbox.StatePending, Count: 1, First: d, Last: d}
	registration := outbox.Group{Destination: "notified", State: outbox.StateParked, Reason: "no registration", Count: 1, First: b, Last: b}
	s.groupsAre(outbox.Query{}, product, pending, registration)
	s.groupsAre(outbox.Query{Limit: 1}, product)
	s.groupsAre(outbox.Query{Destination: "notified"}, registration)
	s.groupsAre(outbox.Query{States: []outbox.State{outbox.StateParked}}, product, registration)
	s.groupsAre(outbox.Query{Reason: "no registration"}, registration)
	product.Count, product.First = 1, c
	s.groupsAre(outbox.Query{Scope: "product 1"}, product)
}

func (s *env[Tx]) groupsOfQuery() {
	start := s.one(s.add(push("well", "U-1"))).Created
	s.deliver("well")
	parked := s.parkedFor("unknown product", push("parked", "U-1"))
	again := s.parkedFor("unknown product", push("again", "U-2"))
	require.NoError(s.t, s.act(outbox.VerbSendAgain, again))
	s.deliver("again")
	well := s.find(outbox.Query{Keys: []string{"well"}})[0].ID
	delivered := outbox.Group{Destination: "elevate", State: outbox.StateDelivered, Count: 2, First: well, Last: again}
	still := outbox.Group{Destination: "elevate", State: outbox.StateParked, Reason: "unknown product", Count: 1, First: parked, Last: parked}
	s.groupsAre(outbox.Query{Subject: "order-1"}, delivered, still)
	s.groupsAre(outbox.Query{CreatedFrom: start}, delivered, still)
	delivered.Count, delivered.First = 1, again
	s.groupsAre(outbox.Query{FailedFrom: start}, still, delivered)
	delivered.First, delivered.Last = well, well
	s.groupsAre(outbox.Query{Person: "U-1"}, still, delivered)
	s.groupsAre(outbox.Query{Person: "U-9"})
}

func (s *env[Tx]) attemptPages() {
	a, b := s.add(push("a", "U-1")), s.add(push("b", "U-2"))
	for range 3 {
		f := s.begin("a", "b")
		s.settled(f.end(0, outbox.StatePending), f.end(1, outbox.StatePending))
		s.Advance(2 * time.Minute)
	}
	read := func(q outbox.AttemptQuery) (names []string) {
		log, err := s.Store.Attempts(s.t.Context(), q)
		require.NoError(s.t, err)
		for _, e := range log {
			require.False(s.t, e.At.IsZero())
			names = append(names, fmt.Sprintf("%d.%d", e.ID, e.N))
		}
		return names
	}
	var want []string
	for _, id := range []outbox.ID{a, b} {
		for n := range 3 {
			want = append(want, fmt.Sprintf("%d.%d", id, n+1))
		}
	}
	require.Equal(s.t, want, read(outbox.AttemptQuery{IDs: []outbox.ID{b, a, a, 1 << 40}}))
	require.Equal(s.t, want[:3], read(outbox.AttemptQuery{IDs: []outbox.ID{a}}))
	require.Equal(s.t, want[:2], read(outbox.AttemptQuery{IDs: []outbox.ID{a, b}, Limit: 2}))
	require.Equal(s.t, want[2:5], read(outbox.AttemptQuery{IDs: []outbox.ID{a, b}, Limit: 3, AfterID: a, AfterN: 2}))
	require.Equal(s.t, want[5:], read(outbox.AttemptQuery{IDs: []outbox.ID{b}, AfterID: b, AfterN: 2}))
	require.Empty(s.t, read(outbox.AttemptQuery{IDs: []outbox.ID{a}, AfterID: b, AfterN: 3}))
	require.Empty(s.t, read(outbox.AttemptQuery{IDs: []outbox.ID{1 << 40}}))
}

func (s *env[Tx]) auditQueries() {
	do := func(a outbox.Action) time.Time {
		a.Actor = outbox.Actor{Name: "Kim", Role: "staff"}
		if a.Reason == "" {
			a.Actor.Name = "Alex"
		}
		require.NoError(s.t, s.Store.Act(s.t.Context(), a))
		entries, err := s.Store.Audit(s.t.Context(), outbox.AuditQuery{Limit: 1})
		require.NoError(s.t, err)
		s.Advance(time.Hour)
		return entries[0].At
	}
	a := s.add(push("a", "U-1", to("elevate/acme"), ofOrder("order-2")))
	s.append(outbox.Entry{Association: "acme", Subject: "order-2", N: 1, Tasks: []outbox.Task{fresh("seats")}})
	do(outbox.Action{Verb: outbox.VerbSendAgain, ID: a, Reason: "1"})
	second := do(outbox.Action{Verb: outbox.VerbPause, Destination: "elevate", Reason: "2"})
	do(outbox.Action{Verb: outbox.VerbPause, Reason: "3"})
	fourth := do(outbox.Action{Verb: outbox.VerbTaskDone, Association: "acme", Subject: "order-2", Task: "seats", Reason: "4"})
	do(outbox.Action{Verb: outbox.VerbDiscard, ID: a})
	for name, c := range map[string]struct {
		q    outbox.AuditQuery
		want []string
	}{
		"all":              {outbox.AuditQuery{}, []string{"", "4", "3", "2", "1"}},
		"message":          {outbox.AuditQuery{ID: a}, []string{"", "1"}},
		"destination":      {outbox.AuditQuery{Destination: "elevate/acme"}, []string{"", "3", "1"}},
		"who paused it":    {outbox.AuditQuery{Destination: "elevate", Verbs: []outbox.Verb{outbox.VerbPause, outbox.VerbResume}}, []string{"3", "2"}},
		"order":            {outbox.AuditQuery{Subject: "order-2"}, []string{"", "4", "1"}},
		"of whom":          {outbox.AuditQuery{Subject: "order-2", Association: "acme"}, []string{"", "4", "1"}},
		"not another's":    {outbox.AuditQuery{Subject: "order-2", Association: "acm"}, nil},
		"actor":            {outbox.AuditQuery{Actor: "Alex"}, []string{""}},
		"no such actor":    {outbox.AuditQuery{Actor: "alex"}, nil},
		"from":             {outbox.AuditQuery{From: fourth}, []string{"", "4"}},
		"to":               {outbox.AuditQuery{To: second}, []string{"1"}},
		"from, to":         {outbox.AuditQuery{From: second, To: fourth}, []string{"3", "2"}},
		"of a day to come": {outbox.AuditQuery{From: fourth.Add(48 * time.Hour)}, nil},
	} {
		entries, err := s.Store.Audit(s.t.Context(), c.q)
		require.NoError(s.t, err, name)
		var reasons []string
		for _, e := range entries {
			reasons = append(reasons, e.Action.Reason)
		}
		require.Equal(s.t, c.want, reasons, name)
	}
}

func (s *env[Tx]) auditPages() {
	for i := range 7 {
		require.NoError(s.t, s.Store.Act(s.t.Context(), outbox.Action{
			Verb: outbox.VerbPause, Destination: "elevate", Reason: fmt.Sprint(i), Actor: outbox.Actor{Name: "Kim"},
		}))
	}
	var reasons []string
	q := outbox.AuditQuery{Limit: 3}
	for _, n := range []int{3, 3, 1, 0} {
		entries, err := s.Store.Audit(s.t.Context(), q)
		require.NoError(s.t, err)
		require.Len(s.t, entries, n)
		for _, e := range entries {
			reasons, q.BeforeN = append(reasons, e.Action.Reason), e.N
		}
		s.steer(outbox.VerbResume, "elevate")
	}
	require.Equal(s.t, []string{"6", "5", "4", "3", "2", "1", "0"}, reasons)
}

func (s *env[Tx]) tasksBy(q outbox.TaskQuery) []string {
	s.t.Helper()
	tasks, err := s.Store.Tasks(s.t.Context(), q)
	require.NoError(s.t, err)
	return taskIDs(tasks)
}

func (s *env[Tx]) taskQueries() {
	s.append(outbox.Entry{Subject: "order-1", N: 1, Tasks: []outbox.Task{fresh("a"), fresh("b")}})
	s.Advance(time.Hour)
	s.append(outbox.Entry{Association: "acme", Subject: "order-1", N: 1, Tasks: []outbox.Task{fresh("c")}})
	s.Advance(time.Hour)
	s.append(outbox.Entry{Association: "acme", Subject: "order-2", N: 1, Tasks: []outbox.Task{fresh("d")}})
	require.NoError(s.t, s.taskDone("", "order-1", "a"))
	all := s.tasks()
	require.Equal(s.t, []string{"b", "c", "d"}, taskIDs(all))
	require.Equal(s.t, []string{"b"}, s.tasksBy(outbox.TaskQuery{Subject: "order-1"}))
	require.Equal(s.t, []string{"c"}, s.tasksBy(outbox.TaskQuery{Subject: "order-1", Association: "acme"}))
	require.Equal(s.t, []string{"c", "d"}, s.tasksBy(outbox.TaskQuery{Association: "acme"}))
	require.Equal(s.t, []string{"c", "d"}, s.tasksBy(outbox.TaskQuery{From: all[1].Since}))
	require.Equal(s.t, []string{"b"}, s.tasksBy(outbox.TaskQuery{To: all[1].Since}))
	require.Equal(s.t, []string{"c"}, s.tasksBy(outbox.TaskQuery{From: all[1].Since, To: all[2].Since}))
	require.Empty(s.t, s.tasksBy(outbox.TaskQuery{Subject: "order-1", From: all[1].Since}))
	require.Empty(s.t, s.tasksBy(outbox.TaskQuery{Subject: "order-3"}))
	require.Empty(s.t, s.tasksBy(outbox.TaskQuery{Association: "acm"}))
}

func (s *env[Tx]) taskPages() {
	var want []string
	for i := range 3 {
		e := outbox.Entry{Subject: fmt.Sprint("order-", i), N: 1}
		for j := range 3 {
			e.Tasks = append(e.Tasks, fresh(fmt.Sprintf("%d.%d", i, j)))
			want = append(want, e.Tasks[j].ID)
		}
		s.append(e)
		s.Advance(time.Minute)
	}
	var ids []string
	q := outbox.TaskQuery{Limit: 2}
	for range 5 {
		tasks, err := s.Store.Tasks(s.t.Context(), q)
		require.NoError(s.t, err)
		require.NotEmpty(s.t, tasks)
		ids = append(ids, taskIDs(tasks)...)
		q.After = tasks[len(tasks)-1]
		require.NoError(s.t, s.taskDone(q.After.Association, q.After.Subject, q.After.ID), "the place is kept all the same")
	}
	require.Equal(s.t, want, ids)
	require.Empty(s.t, s.tasksBy(q))
	require.Equal(s.t, []string{"1.1"}, s.tasksBy(outbox.TaskQuery{Subject: "order-1"}))
}

// everythingPaused is about what is stored: the senders' clauses say that they obey.
func (s *env[Tx]) everythingPaused() {
	s.steer(outbox.VerbPause, "elevate")
	s.steer(outbox.VerbPause, "")
	state := func() map[string]outbox.Pausing {
		states, err := s.Store.Destinations(s.t.Context())
		require.NoError(s.t, err)
		by := map[string]outbox.Pausing{}
		for _, d := range states {
			by[d.Name] = d.Pausing
		}
		return by
	}
	require.Equal(s.t, map[string]outbox.Pausing{"": outbox.PausedByOperator, "elevate": outbox.PausedByOperator}, state())
	s.steer(outbox.VerbResume, "")
	require.Equal(s.t, map[string]outbox.Pausing{"elevate": outbox.PausedByOperator}, state())
	entries, err := s.Store.Audit(s.t.Context(), outbox.AuditQuery{})
	require.NoError(s.t, err)
	require.Len(s.t, entries, 3)
	require.Empty(s.t, entries[0].Destination)
}

func (s *env[Tx]) readsRefuse() {
	var bad *check.InputError
	ctx, early, late := s.t.Context(), time.Unix(1, 0), time.Unix(2, 0)
	for _, q := range []outbox.AttemptQuery{{}, {IDs: []outbox.ID{1}, Limit: -1}, {IDs: []outbox.ID{1}, Limit: 10_001}, {IDs: make([]outbox.ID, 10_001)}} {
		_, err := s.Store.Attempts(ctx, q)
		require.ErrorAs(s.t, err, &bad)
	}
	for _, q := range []outbox.AuditQuery{{Limit: -1}, {Limit: 10_001}, {Association: "acme"}, {From: late, To: early}} {
		_, err := s.Store.Audit(ctx, q)
		require.ErrorAs(s.t, err, &bad)
	}
	for _, q := range []outbox.TaskQuery{{Limit: -1}, {Limit: 10_001}, {From: late, To: early}} {
		_, err := s.Store.Tasks(ctx, q)
		require.ErrorAs(s.t, err, &bad)
	}
	for _, q := range []outbox.Query{{Limit: -1}, {Association: "acme"}, {FailedTo: late}, {States: []outbox.State{99}}} {
		_, err := s.Store.Groups(ctx, q)
		require.ErrorAs(s.t, err, &bad)
	}
}
