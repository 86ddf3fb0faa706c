package outboxtest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

var simSubjects = []string{"order-1", "order-2", "order-3"}

// append reports an order: mostly by its next number, now and then by one that
// exists.
func (w *model[Tx]) append() error {
	subject := pick(w.rng, simSubjects)
	last := w.entries[subject]
	e := outbox.Entry{Subject: subject, N: last.N + 1, Body: fmt.Appendf(nil, "%d", w.rng.Uint64())}
	if last.N > 0 && w.chance(30) {
		e.N = 1 + w.rng.IntN(last.N)
	}
	for _, id := range []string{"a", "b", "c"} {
		if w.chance(40) {
			listed := slices.ContainsFunc(last.Tasks, func(t outbox.Task) bool { return t.ID == id })
			e.Tasks = append(e.Tasks, outbox.Task{ID: id, Text: "whose?", New: !listed})
		}
	}
	msgs := w.newMessages(w.rng.IntN(3))
	rollBack := w.chance(10)
	tx, err := w.Begin()
	if err != nil {
		return err
	}
	defer w.Rollback(tx)
	appended, err := w.Store.AppendTx(w.ctx, tx, e, msgs...)
	w.logf("append %d of %s with %d tasks and %s: %v %v",
		e.N, subject, len(e.Tasks), describe(msgs), appended, orOK(err))
	if err != nil {
		return err
	}
	if want := e.N > last.N; appended != want {
		return fmt.Errorf("entry %d of %s: appended is %v", e.N, subject, appended)
	}
	if appended {
		last = e
	}
	got, err := w.Store.LastEntryTx(w.ctx, tx, "", subject, 0)
	if err != nil {
		return err
	}
	if got.N != last.N || string(got.Body) != string(last.Body) {
		return fmt.Errorf("the last entry of %s is %d, not %d", subject, got.N, last.N)
	}
	if rollBack {
		w.logf("and roll back")
		return nil
	}
	if err := w.Commit(tx); err != nil {
		return err
	}
	w.entries[subject] = last
	if appended {
		for _, m := range msgs {
			w.know(m)
		}
	}
	return nil
}

// simTask names a task of a subject.
type simTask struct{ subject, id string }

// tell records that somebody was told of some of the new tasks.
func (w *model[Tx]) tell() error {
	tasks, err := w.Store.NewTasks(w.ctx, 1+w.rng.IntN(3))
	w.logf("%d tasks are told", len(tasks))
	if err != nil {
		return err
	}
	for i := range tasks {
		w.told[simTask{tasks[i].Subject, tasks[i].ID}] = true
	}
	return w.Store.TasksTold(w.ctx, tasks)
}

// doTask is an operator's action on one of the tasks that may be open.
func (w *model[Tx]) doTask() error {
	t := simTask{pick(w.rng, simSubjects), pick(w.rng, []string{"a", "b", "c"})}
	_, open := w.openTasks(nil)[t]
	err := w.Store.Act(w.ctx, outbox.Action{
		Verb: outbox.VerbTaskDone, Subject: t.subject, Task: t.id,
		Actor: outbox.Actor{Name: "Kim", Role: "staff"}, Reason: "was asked to",
	})
	w.logf("task %s of %s is done: %v", t.id, t.subject, orOK(err))
	if open != (err == nil) {
		return fmt.Errorf("a task that is open, %v: %v", open, orOK(err))
	}
	if open {
		w.done[t] = true
		w.audited++
	}
	return nil
}

// openTasks are the model's, with the numbers of their entries, but for some.
func (w *model[Tx]) openTasks(but map[simTask]bool) map[simTask]int {
	open := map[simTask]int{}
	for subject, e := range w.entries {
		for _, t := range e.Tasks {
			if at := (simTask{subject, t.ID}); !w.done[at] && !but[at] {
				open[at] = e.N
			}
		}
	}
	return open
}

func (w *model[Tx]) compareTasks() error {
	open, err := w.Store.Tasks(w.ctx, outbox.TaskQuery{Limit: 10_000})
	if err != nil {
		return err
	}
	fresh, err := w.Store.NewTasks(w.ctx, 1000)
	if err != nil {
		return err
	}
	for what, c := range map[string]struct {
		got  []outbox.OpenTask
		want map[simTask]int
	}{"open": {open, w.openTasks(nil)}, "new": {fresh, w.openTasks(w.told)}} {
		got := map[simTask]int{}
		for i := range c.got {
			got[simTask{c.got[i].Subject, c.got[i].ID}] = c.got[i].N
		}
		if len(c.got) != len(got) || !maps.Equal(got, c.want) {
			return fmt.Errorf("%d tasks are %s: %v, not %v", len(c.got), what, got, c.want)
		}
	}
	return nil
}
