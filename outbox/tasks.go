package outbox

import (
	"context"
	"log/slog"
	"time"
)

// A task is told once it was committed, within tellEvery, and at least once: a sender that dies between
// telling and recording it is followed by another that tells it again.
const (
	tellEvery = 5 * time.Second
	tellMost  = 100
)

// tellTasks tells the alarm of new tasks until ctx ends.
func (r *run) tellTasks(ctx context.Context) {
	away := outage{what: "cannot look for tasks of orders"}
	for {
		more, err := r.tellSome(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			away.failed(ctx, r.cfg.Logger, tellEvery, err)
		default:
			away.over(ctx, r.cfg.Logger)
		}
		if (err != nil || !more) && !sleep(ctx, jittered(tellEvery)) {
			return
		}
	}
}

func (r *run) tellSome(ctx context.Context) (more bool, err error) {
	tasks, err := within(ctx, r.cfg.SettleTimeout, "look for tasks", func(ctx context.Context) ([]OpenTask, error) {
		return r.queue.NewTasks(ctx, tellMost)
	})
	if err != nil || len(tasks) == 0 {
		return false, err
	}
	for _, t := range tasks {
		a := Alarm{Kind: AlarmTask, Destination: t.Association, Key: t.ID, Subject: t.Subject, Reason: t.Text}
		if r.cfg.Alarm != nil {
			r.cfg.Alarm(ctx, a)
		} else {
			a.Log(ctx, r.cfg.Logger.With(slog.Any("lines", t.Items)))
		}
	}
	_, err = within(ctx, r.cfg.SettleTimeout, "record that tasks were told", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, r.queue.TasksTold(ctx, tasks)
	})
	return len(tasks) == tellMost, err
}
