package amsbridge_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// Any call repeated at once changes nothing, and no data is an error.
func TestRepeatsChangeNothing(t *testing.T) {
	t.Parallel()
	const n = 400
	kinds := map[string]int{}
	example := map[string]string{}
	for seed := range n {
		trace, bad := fuzzHook(t, uint64(seed))
		if bad != "" {
			kind, _, _ := strings.Cut(bad, ":")
			kinds[kind]++
			text := fmt.Sprintf("seed %d\n%s\n!!! %s", seed, strings.Join(trace, "\n"), bad)
			if old, ok := example[kind]; !ok || len(text) < len(old) {
				example[kind] = text
			}
		}
	}
	for k, n := range kinds {
		t.Logf("%d of %s\n%s", n, k, example[k])
	}
	require.Empty(t, kinds)
}

func fuzzHook(t *testing.T, seed uint64) (trace []string, bad string) {
	r := rand.New(rand.NewPCG(seed, 7))
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{Now: func() time.Time { return now }})
	var logged strings.Builder
	catalog := catalogue()
	cfg := amsbridge.HookConfig{
		Catalog: catalog, Logger: slog.New(slog.NewTextHandler(&logged, nil)), Now: func() time.Time { return now },
		FirstSeatIsBuyers: r.IntN(4) == 0, NetQuantities: r.IntN(4) == 0, SwapsByHand: r.IntN(6) == 0, ProfileAtSend: r.IntN(4) == 0,
	}
	hook, err := amsbridge.NewHook(store, cfg)
	require.NoError(t, err)
	op, err := outbox.NewOperator(store, outbox.OperatorConfig{EraseKey: outbox.NewSecret([]byte("a key for tests of thirty-two b."))})
	require.NoError(t, err)
	trace = append(trace, fmt.Sprintf("first=%v net=%v byhand=%v atsend=%v", cfg.FirstSeatIsBuyers, cfg.NetQuantities, cfg.SwapsByHand, cfg.ProfileAtSend))
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	someone := func() amsbridge.User {
		u := person(pick("anna", "berta", "carl", "dora", "anna", "berta", "", "null"))
		if r.IntN(8) == 0 {
			u.Email = pick("", "x@", "new@example.org")
		}
		return u
	}
	makeOrder := func() amsbridge.Order {
		o := amsbridge.Order{ID: "1001", Buyer: person(pick("anna", "anna", "anna", "anna", "berta", ""))}
		switch r.IntN(4) {
		case 0:
			o.Version = int64(r.IntN(6))
		case 1:
			o.UpdatedAt = now.Add(time.Duration(r.IntN(10)-5) * time.Hour)
			if r.IntN(4) == 0 {
				o.UpdatedAt = now.AddDate(1, 0, 0)
			}
		case 2:
			o.Version = int64(100 + len(trace))
		}
		if r.IntN(2) == 0 {
			o.PlacedAt = time.Date(2025, 1, 1, r.IntN(3), 0, 0, 0, time.UTC)
			if r.IntN(6) == 0 {
				o.PlacedAt = o.PlacedAt.AddDate(1, 0, 0)
			}
		}
		ids := []string{"1", "2", "3", strings.Repeat("l", 300), "a\x00"}
		for _, id := range ids[:r.IntN(4)+r.IntN(2)*r.IntN(2)] {
			if r.IntN(4) == 0 {
				continue
			}
			l := amsbridge.Line{ID: id, ProductID: pick("gala", "gala", "course", "membership", "mug", "t-shirt", "pass", "", "workshop"), Quantity: r.IntN(4)}
			for range r.IntN(4) {
				l.Attendees = append(l.Attendees, someone())
			}
			o.Lines = append(o.Lines, l)
		}
		return o
	}
	makeRefund := func() amsbridge.Refund {
		f := amsbridge.Refund{ID: fmt.Sprintf("R-%d", r.IntN(5)), OrderID: "1001"}
		if r.IntN(4) == 0 {
			f.All = true
			return f
		}
		for _, id := range []string{"1", "2", "9"} {
			if r.IntN(2) == 0 {
				continue
			}
			l := amsbridge.RefundLine{LineID: id}
			for _, p := range []amsbridge.UserID{"anna", "berta", "carl"} {
				if r.IntN(4) == 0 {
					l.People = append(l.People, p)
				}
			}
			if r.IntN(3) == 0 {
				l.Seats = r.IntN(3)
			}
			f.Lines = append(f.Lines, l)
		}
		if len(f.Lines) == 0 {
			f.All = true
		}
		return f
	}
	lastN := func() (int, []outbox.Task) {
		tx := store.Begin()
		defer tx.Rollback()
		e, err := store.LastEntryTx(t.Context(), tx, "", "1001", 0)
		require.NoError(t, err)
		return e.N, e.Tasks
	}
	deliver := func() {
		session, err := store.Join(t.Context(), outbox.Joining{By: "repeats", Length: time.Minute})
		require.NoError(t, err)
		_, err = store.Beat(t.Context(), outbox.Beat{Session: session, Take: outbox.Shards})
		require.NoError(t, err)
		var all []outbox.Settlement
		f := outbox.Flight{Session: session, N: 1}
		for _, due := range []bool{true, false} {
			read, err := store.Read(t.Context(), outbox.Reading{Session: session, Shards: everyShard(), Due: due, Limit: 100})
			require.NoError(t, err)
			for _, w := range read.Messages {
				f.Messages = append(f.Messages, outbox.Queued{ID: w.ID, Key: w.Key, Destination: w.Destination})
				if r.IntN(3) > 0 {
					all = append(all, outbox.Settlement{Message: w.Message, State: outbox.StateDelivered, Outcome: outbox.OutcomeDelivered, Seq: 1})
				}
			}
		}
		_, err = store.Record(t.Context(), f)
		require.NoError(t, err)
		_, err = store.Settle(t.Context(), outbox.Settling{Session: session, Batch: all})
		require.NoError(t, err)
		require.NoError(t, store.Leave(t.Context(), session)) // the rest is lost
		now = now.Add(2 * time.Minute)
	}
	for range 3 + r.IntN(6) {
		var call func(tx *outboxtest.Tx) (*amsbridge.Report, error)
		switch r.IntN(8) {
		default:
			o := makeOrder()
			trace = append(trace, fmt.Sprintf("report v%d upd %v placed %v buyer %s %+v", o.Version, o.UpdatedAt, o.PlacedAt, o.Buyer.ID, brief(o)))
			call = func(tx *outboxtest.Tx) (*amsbridge.Report, error) { return hook.OrderCompleted(t.Context(), tx, o) }
		case 0, 1:
			f := makeRefund()
			trace = append(trace, fmt.Sprintf("refund %+v", f))
			call = func(tx *outboxtest.Tx) (*amsbridge.Report, error) { return hook.OrderRefunded(t.Context(), tx, f) }
		case 2:
			o, id := makeOrder(), fmt.Sprintf("R-%d", r.IntN(5))
			trace = append(trace, fmt.Sprintf("reverse %s by v%d upd %v placed %v buyer %s %+v", id, o.Version, o.UpdatedAt, o.PlacedAt, o.Buyer.ID, brief(o)))
			call = func(tx *outboxtest.Tx) (*amsbridge.Report, error) { return hook.RefundReversed(t.Context(), tx, id, o) }
		case 3:
			switch r.IntN(4) {
			case 0:
				trace = append(trace, "deliver")
				deliver()
			case 1:
				p := pick("anna", "berta", "carl")
				trace = append(trace, "erase "+p)
				_, _ = op.Erase(t.Context(), staff, "", p, "so")
			case 2:
				trace = append(trace, "re-map gala and course")
				catalog["gala"] = amsbridge.Product{ID: "gala", ShowKey: 7, AddOnKeys: []int64{int64(1 + r.IntN(3))}}
				catalog["course"] = amsbridge.Product{ID: "course", RemoteProductID: pick("r1", "r7")}
			default:
				tasks, err := store.Tasks(t.Context(), outbox.TaskQuery{Limit: 100})
				require.NoError(t, err)
				if len(tasks) > 0 {
					trace = append(trace, "task done: "+tasks[0].Text)
					require.NoError(t, op.TaskDone(t.Context(), staff, "", "1001", tasks[0].ID, "so"))
				}
			}
			continue
		}
		var was int
		var tasks []outbox.Task
		for i := range 3 {
			tx := store.Begin()
			rep, err := call(tx)
			if err != nil {
				return trace, "error: " + err.Error()
			}
			if err := tx.Commit(); err != nil {
				return trace, "commit: " + err.Error()
			}
			n, nowTasks := lastN()
			if p := private(store, rep, logged.String()); p != "" {
				return trace, "private: " + p
			}
			if i > 0 && n != was {
				kind := "body"
				if fmt.Sprint(ids(tasks)) != fmt.Sprint(ids(nowTasks)) {
					kind = fmt.Sprintf("tasks %s to %s", kindsOf(tasks), kindsOf(nowTasks))
				}
				return trace, fmt.Sprintf("a repeat changed the order (%s): entry %d after %d: %v\nreport %+v\ntasks before %v\nafter %v", kind, n, was, i, rep.Entries, tasks, nowTasks)
			}
			was, tasks = n, nowTasks
			for _, e := range rep.Entries {
				if i > 0 && (e.Did == amsbridge.DidQueued || e.Did == amsbridge.DidTakingBack) {
					return trace, fmt.Sprintf("a repeat did something: %+v", e)
				}
			}
		}
	}
	return trace, ""
}

func brief(o amsbridge.Order) string {
	var s []string
	for _, l := range o.Lines {
		text := fmt.Sprintf("[%.5s %s x%d", l.ID, l.ProductID, l.Quantity)
		for _, u := range l.Attendees {
			text += " " + string(u.ID)
			if u.Email != string(u.ID)+"@example.org" {
				text += "<" + u.Email + ">"
			}
		}
		s = append(s, text+"]")
	}
	return strings.Join(s, " ")
}

func ids(tasks []outbox.Task) (all []string) {
	for _, t := range tasks {
		all = append(all, t.ID)
	}
	return all
}

func kindsOf(tasks []outbox.Task) string {
	n := map[string]int{}
	for _, t := range tasks {
		k, _, _ := strings.Cut(t.ID, "-")
		n[k]++
	}
	return fmt.Sprint(n)
}

// private finds personal data where none may be.
func private(store *outboxtest.Memory, rep *amsbridge.Report, log string) string {
	tx := store.Begin()
	defer tx.Rollback()
	e, _ := store.LastEntryTx(context.Background(), tx, "", "1001", 0)
	texts := []string{string(e.Body), log}
	for _, t := range e.Tasks {
		texts = append(texts, t.Text, t.ID, fmt.Sprint(t.Items))
	}
	for _, x := range rep.Entries {
		texts = append(texts, x.Text, x.Item, x.Key)
	}
	for _, text := range texts {
		for _, name := range []string{"anna", "berta", "carl", "dora", "example.org"} {
			if strings.Contains(text, name) {
				return text
			}
		}
	}
	return ""
}
