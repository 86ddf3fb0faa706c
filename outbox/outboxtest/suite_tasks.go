package outboxtest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

func taskClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"the tasks of last entries are open, the oldest entry's first", (*env[Tx]).tasksOpen},
		{"a task that the last entry does not list is over", (*env[Tx]).taskOver},
		{"a task is done once, and stays done", (*env[Tx]).taskDoneOnce},
		{"what is no open task is not found", (*env[Tx]).taskNotFound},
		{"a task's done is on record", (*env[Tx]).taskAudited},
		{"a task is new until somebody was told of it", (*env[Tx]).taskTold},
		{"a task that was told is not new in a later entry", (*env[Tx]).toldStaysTold},
		{"a task that was never told is new in a later entry", (*env[Tx]).untoldStaysNew},
		{"of an entry's tasks some are told before others", (*env[Tx]).toldInParts},
		{"what is done or over is not told", (*env[Tx]).doneIsNotTold},
		{"tasks are told apart byte by byte", (*env[Tx]).tasksByBytes},
		{"a limit out of range is refused", (*env[Tx]).taskLimits},
	}
}

func (s *env[Tx]) tasks() []outbox.OpenTask {
	s.t.Helper()
	tasks, err := s.Store.Tasks(s.t.Context(), outbox.TaskQuery{Limit: 10_000})
	require.NoError(s.t, err)
	return tasks
}

func (s *env[Tx]) newTasks() []outbox.OpenTask {
	s.t.Helper()
	tasks, err := s.Store.NewTasks(s.t.Context(), 1000)
	require.NoError(s.t, err)
	return tasks
}

func (s *env[Tx]) told(tasks ...outbox.OpenTask) {
	s.t.Helper()
	require.NoError(s.t, s.Store.TasksTold(s.t.Context(), tasks))
}

func (s *env[Tx]) taskDone(association, subject, task string) error {
	return s.Store.Act(s.t.Context(), outbox.Action{
		Verb: outbox.VerbTaskDone, Association: association, Subject: subject, Task: task,
		Actor: outbox.Actor{Name: "Kim", Role: "staff"}, Reason: "was asked to",
	})
}

// fresh is a task that an entry lists first, known one that an earlier entry
// listed.
func fresh(id string) outbox.Task { return outbox.Task{ID: id, Text: "text of " + id, New: true} }

func known(id string) outbox.Task { return outbox.Task{ID: id, Text: "text of " + id} }

func taskIDs(tasks []outbox.OpenTask) []string {
	ids := []string{}
	for i := range tasks {
		ids = append(ids, tasks[i].ID)
	}
	return ids
}

func (s *env[Tx]) tasksOpen() {
	require.Empty(s.t, s.tasks())
	seats := outbox.Task{ID: "seats", Items: []string{"line-1", "line-2"}, Text: "2 seats have no person", New: true}
	s.append(entry(1, "first", seats, fresh("b"), fresh("a")))
	s.Advance(time.Minute)
	there := outbox.Entry{Association: "acme", Subject: "order-2", N: 1, Tasks: []outbox.Task{fresh("seats")}}
	s.append(there)
	s.append(outbox.Entry{Subject: "order-3", N: 1})

	tasks := s.tasks()
	require.Equal(s.t, []string{"seats", "b", "a", "seats"}, taskIDs(tasks))
	since := s.last("order-1").Created
	require.True(s.t, tasks[0].Since.Equal(since))
	tasks[0].Since = since
	require.Equal(s.t, outbox.OpenTask{Subject: "order-1", N: 1, Task: seats, Since: since}, tasks[0])
	require.Equal(s.t, "acme", tasks[3].Association)
	require.Equal(s.t, "order-2", tasks[3].Subject)
	require.True(s.t, tasks[3].Since.After(since))
	some, err := s.Store.Tasks(s.t.Context(), outbox.TaskQuery{Limit: 2})
	require.NoError(s.t, err)
	require.Equal(s.t, []string{"seats", "b"}, taskIDs(some))

	s.Advance(time.Minute)
	s.append(entry(2, "second", known("seats")))
	tasks = s.tasks()
	require.Equal(s.t, []string{"seats", "seats"}, taskIDs(tasks), "the other order's is the oldest entry now")
	require.Equal(s.t, "order-2", tasks[0].Subject)
	require.Equal(s.t, 2, tasks[1].N)
	require.Equal(s.t, "text of seats", tasks[1].Text)
}

func (s *env[Tx]) taskOver() {
	s.append(entry(1, "first", fresh("a"), fresh("b")))
	s.append(entry(2, "second", known("b")))
	require.Equal(s.t, []string{"b"}, taskIDs(s.tasks()))
	s.append(entry(3, "third"))
	require.Empty(s.t, s.tasks())
	s.append(entry(4, "fourth", known("a")))
	require.Equal(s.t, []string{"a"}, taskIDs(s.tasks()))
}

func (s *env[Tx]) taskDoneOnce() {
	s.append(entry(1, "first", fresh("a"), fresh("b")))
	require.NoError(s.t, s.taskDone("", "order-1", "a"))
	require.Equal(s.t, []string{"b"}, taskIDs(s.tasks()))
	require.ErrorIs(s.t, s.taskDone("", "order-1", "a"), outbox.ErrNotFound)
	s.append(entry(2, "second", known("a"), known("b"), fresh("c")))
	require.Equal(s.t, []string{"b", "c"}, taskIDs(s.tasks()))
	require.ErrorIs(s.t, s.taskDone("", "order-1", "a"), outbox.ErrNotFound)
	require.Equal(s.t, "second", string(s.last("order-1").Body))
}

func (s *env[Tx]) taskNotFound() {
	s.append(entry(1, "first", fresh("a"), fresh("b")))
	s.append(outbox.Entry{Association: "acme", Subject: "order-2", N: 1, Tasks: []outbox.Task{fresh("a")}})
	s.append(entry(2, "second", known("b")))
	for _, at := range [][3]string{
		{"", "order-1", "a"},
		{"", "order-1", "B"},
		{"acme", "order-1", "b"},
		{"", "order-2", "a"},
		{"", "order-9", "a"},
		{"", "order-1", ""},
	} {
		require.ErrorIs(s.t, s.taskDone(at[0], at[1], at[2]), outbox.ErrNotFound, "%q", at)
	}
	require.Len(s.t, s.tasks(), 2)
	entries, err := s.Store.Audit(s.t.Context(), outbox.AuditQuery{Limit: 10})
	require.NoError(s.t, err)
	require.Empty(s.t, entries)
}

func (s *env[Tx]) taskAudited() {
	s.append(outbox.Entry{Association: "acme", Subject: "order-2", N: 1, Tasks: []outbox.Task{fresh("a")}})
	require.NoError(s.t, s.taskDone("acme", "order-2", "a"))
	entries, err := s.Store.Audit(s.t.Context(), outbox.AuditQuery{Limit: 10})
	require.NoError(s.t, err)
	require.Len(s.t, entries, 1)
	require.False(s.t, entries[0].At.IsZero())
	entries[0].N, entries[0].At = 0, time.Time{}
	require.Equal(s.t, outbox.AuditEntry{Action: outbox.Action{
		Verb: outbox.VerbTaskDone, Association: "acme", Subject: "order-2", Task: "a",
		Actor: outbox.Actor{Name: "Kim", Role: "staff"}, Reason: "was asked to",
	}}, entries[0])
}

func (s *env[Tx]) taskTold() {
	require.Empty(s.t, s.newTasks())
	s.append(entry(1, "first", fresh("a"), fresh("b")))
	s.append(outbox.Entry{Association: "acme", Subject: "order-1", N: 1, Tasks: []outbox.Task{fresh("a")}})
	for range 2 {
		require.ElementsMatch(s.t, []string{"a", "b", "a"}, taskIDs(s.newTasks()))
	}
	tasks := s.newTasks()
	for i := range tasks {
		require.Equal(s.t, fresh(tasks[i].ID), tasks[i].Task)
		require.Equal(s.t, 1, tasks[i].N)
	}
	s.told(tasks...)
	s.told(tasks...)
	require.Empty(s.t, s.newTasks())
	require.Len(s.t, s.tasks(), 3, "they are open as before")
	s.append(entry(2, "second", known("a"), fresh("c")))
	tasks = s.newTasks()
	require.Equal(s.t, []string{"c"}, taskIDs(tasks))
	require.Equal(s.t, 2, tasks[0].N)
	s.told()
	require.Len(s.t, s.newTasks(), 1)
}

// toldStaysTold is of a sender that was telling while the next entry came.
func (s *env[Tx]) toldStaysTold() {
	s.append(entry(1, "first", fresh("a")))
	tasks := s.newTasks()
	s.append(entry(2, "second", known("a"), fresh("b")))
	s.told(tasks...)
	require.Equal(s.t, []string{"b"}, taskIDs(s.newTasks()))
	s.append(entry(3, "third", known("a"), known("b")))
	require.Equal(s.t, []string{"b"}, taskIDs(s.newTasks()))
}

func (s *env[Tx]) untoldStaysNew() {
	s.append(entry(1, "first", fresh("a"), fresh("over")))
	s.append(entry(2, "second", known("a")))
	tasks := s.newTasks()
	require.Equal(s.t, []string{"a"}, taskIDs(tasks))
	require.Equal(s.t, 2, tasks[0].N)
	s.told(tasks...)
	require.Empty(s.t, s.newTasks())
}

func (s *env[Tx]) toldInParts() {
	s.append(entry(1, "first", fresh("a"), fresh("b"), fresh("c")))
	var ids []string
	for range 3 {
		tasks, err := s.Store.NewTasks(s.t.Context(), 1)
		require.NoError(s.t, err)
		require.Len(s.t, tasks, 1)
		ids = append(ids, tasks[0].ID)
		s.told(tasks...)
	}
	require.ElementsMatch(s.t, []string{"a", "b", "c"}, ids)
	require.Empty(s.t, s.newTasks())
}

func (s *env[Tx]) doneIsNotTold() {
	s.append(entry(1, "first", fresh("a"), fresh("b"), fresh("c")))
	require.NoError(s.t, s.taskDone("", "order-1", "a"))
	require.ElementsMatch(s.t, []string{"b", "c"}, taskIDs(s.newTasks()))
	s.append(entry(2, "second", known("a"), known("c")))
	require.Equal(s.t, []string{"c"}, taskIDs(s.newTasks()))
	s.append(entry(3, "third"))
	require.Empty(s.t, s.newTasks())
}

func (s *env[Tx]) tasksByBytes() {
	e := entry(1, "first")
	for _, name := range awkward {
		e.Tasks = append(e.Tasks, outbox.Task{ID: name, Items: append([]string{""}, awkward...), Text: name, New: true})
	}
	s.append(e)
	s.requireEntry(e, s.last("order-1"))
	tasks := s.tasks()
	require.Equal(s.t, awkward, taskIDs(tasks))
	for i := range tasks {
		require.Equal(s.t, e.Tasks[i], tasks[i].Task)
	}
	last := len(awkward) - 1
	s.told(tasks[:last]...)
	require.Equal(s.t, awkward[last:], taskIDs(s.newTasks()))
	for i, name := range awkward[:last] {
		require.NoError(s.t, s.taskDone("", "order-1", name))
		require.Len(s.t, s.tasks(), last-i)
	}
}

func (s *env[Tx]) taskLimits() {
	var bad *check.InputError
	for _, limit := range []int{-1, 10_001} {
		_, err := s.Store.Tasks(s.t.Context(), outbox.TaskQuery{Limit: limit})
		require.ErrorAs(s.t, err, &bad)
	}
	for _, limit := range []int{-1, 0, 1001} {
		_, err := s.Store.NewTasks(s.t.Context(), limit)
		require.ErrorAs(s.t, err, &bad)
	}
}
