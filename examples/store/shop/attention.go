package shop

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// work is something that staff have to do: a message that was parked, or a task
// of an order.
type work struct {
	// Field names the form's field, and its element.
	Field                     string
	OrderID, Platform, Reason string
	Since                     time.Time
	// Learner has no ID where it is about an order's line.
	Learner  Member
	Products []string
	// Message is the parked message's ID, zero for a task; Task is the task's.
	Message outbox.ID
	Task    string
}

// showAttention lists what waits for the staff. They mend what is wrong, and
// mark done what they did by hand; other actions are amsbridge's Operator's.
func (s *Shop) showAttention(w http.ResponseWriter, r *http.Request, who *session) {
	all, err := s.openWork(r.Context())
	if err != nil {
		s.broken(w, r, who, err)
		return
	}
	s.show(w, r, who, "attention.html", "What needs attention", all)
}

func (s *Shop) openWork(ctx context.Context) (all []work, err error) {
	tasks, err := s.cfg.Inspector.Tasks(ctx, outbox.TaskQuery{Limit: maxShown})
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		todo := work{Field: "done-" + t.ID, OrderID: t.Subject, Reason: t.Text, Since: t.Since, Task: t.ID}
		if todo.Products, err = s.titles(ctx, t.Subject, t.Items); err != nil {
			return nil, err
		}
		all = append(all, todo)
	}
	parked, err := s.cfg.Inspector.Find(ctx, outbox.Query{States: []outbox.State{outbox.StateParked}, Limit: maxShown})
	if err != nil {
		return nil, err
	}
	for _, m := range parked {
		todo := work{
			Field: "done-" + strconv.FormatInt(int64(m.ID), 10), OrderID: m.Subject, Platform: m.Destination,
			Reason: m.Reason, Since: m.Created, Learner: known(m.Person), Message: m.ID,
		}
		if todo.Products, err = s.titles(ctx, m.Subject, m.Items); err != nil {
			return nil, err
		}
		all = append(all, todo)
	}
	return all, nil
}

// titles are those of an order's lines.
func (s *Shop) titles(ctx context.Context, orderID string, lines []string) (titles []string, err error) {
	seats, err := seatsOf(ctx, s.cfg.DB, orderID)
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		for _, seat := range seats {
			if seat.LineID == line && seat.N == 0 {
				titles = append(titles, seat.Product.Title)
			}
		}
	}
	return titles, nil
}

// markDone ends what was done by hand. What staff say of it is kept for ever,
// with their name.
func (s *Shop) markDone(w http.ResponseWriter, r *http.Request, who *session) {
	staff := outbox.Actor{Name: string(who.member.ID), Role: "staff"}
	said, err := r.PostFormValue("said"), error(nil)
	if task := r.PostFormValue("task"); task != "" {
		err = s.cfg.Operator.TaskDone(r.Context(), staff, "", r.PostFormValue("order"), task, said)
	} else {
		id, _ := strconv.ParseInt(r.PostFormValue("message"), 10, 64) // no message has the ID 0
		err = s.cfg.Operator.MarkDone(r.Context(), staff, outbox.ID(id), said)
	}
	_, bad := errors.AsType[*amsbridge.InputError](err)
	_, refused := errors.AsType[*outbox.RefusedError](err)
	switch {
	case bad:
		s.showProblem(w, r, who, http.StatusBadRequest, "Please say in a few words what you did.")
		return
	case refused, errors.Is(err, outbox.ErrNotFound), errors.Is(err, outbox.ErrInFlight):
		who.said = "Somebody was quicker. Please look again."
	case err != nil:
		s.broken(w, r, who, err)
		return
	default:
		who.said = "It is marked as done."
	}
	http.Redirect(w, r, "/staff/attention", http.StatusSeeOther)
}
