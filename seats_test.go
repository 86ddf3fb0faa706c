package amsbridge_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// Of a line, no more people have it than seats were bought and not given back, but by a reversal; nobody is
// taken but by a refund or by a rising version; everybody whom a full list names has it.
func TestSeats(t *testing.T) {
	t.Parallel()
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 9))
		store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
		cfg := amsbridge.HookConfig{Catalog: catalogue(), Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), FirstSeatIsBuyers: r.IntN(4) == 0}
		hook, err := amsbridge.NewHook(store, cfg)
		require.NoError(t, err)
		var trace []string
		has := map[string]bool{}      // who has the line
		refunded := map[string]bool{} // people under a refund
		seatsGone := map[string][]string{}
		open := map[string]int{}
		reversed := map[string]bool{}
		over := false
		version := int64(0)
		quantity := 0
		bad := func(format string, a ...any) {
			t.Fatalf("seed %d\n%s\n!!! %s", seed, strings.Join(trace, "\n"), fmt.Sprintf(format, a...))
		}
		for range 8 {
			before := len(has)
			o := amsbridge.Order{ID: "1001", Buyer: person("anna")}
			l := amsbridge.Line{ID: "1", ProductID: "gala", Quantity: 1 + r.IntN(3)}
			if quantity > 0 && r.IntN(3) > 0 {
				l.Quantity = quantity
			}
			for _, p := range []string{"anna", "berta", "carl", "dora"} {
				if r.IntN(2) == 0 {
					l.Attendees = append(l.Attendees, person(p))
				}
			}
			rising := r.IntN(3) > 0
			if rising {
				version++
				o.Version = version
			}
			o.Lines = []amsbridge.Line{l}
			var rep *amsbridge.Report
			tx := store.Begin()
			kind := r.IntN(6)
			switch kind {
			default:
				trace = append(trace, fmt.Sprintf("report v%d x%d %s", o.Version, l.Quantity, brief(o)))
				quantity = l.Quantity
				rep, err = hook.OrderCompleted(t.Context(), tx, o)
			case 0, 1:
				id := fmt.Sprintf("R-%d", r.IntN(4))
				f := amsbridge.Refund{ID: id, OrderID: "1001", Lines: []amsbridge.RefundLine{{LineID: "1"}}}
				if r.IntN(3) > 0 {
					f.Lines[0].People = []amsbridge.UserID{amsbridge.UserID([]string{"anna", "berta", "carl"}[r.IntN(3)])}
				} else {
					f.Lines[0].Seats = 1
				}
				trace = append(trace, fmt.Sprintf("refund %+v", f))
				rep, err = hook.OrderRefunded(t.Context(), tx, f)
			case 2:
				id := fmt.Sprintf("R-%d", r.IntN(4))
				trace = append(trace, fmt.Sprintf("reverse %s by v%d %s", id, o.Version, brief(o)))
				quantity = l.Quantity
				rep, err = hook.RefundReversed(t.Context(), tx, id, o)
				over = true
			}
			require.NoError(t, err)
			require.NoError(t, tx.Commit())
			if rep.Stale {
				bad("stale")
			}
			for _, e := range rep.Entries {
				trace = append(trace, fmt.Sprintf("    %s %s %s", e.Person, e.Did, e.Text))
				switch e.Did {
				case amsbridge.DidQueued:
					has[string(e.Person)] = true
				case amsbridge.DidTakingBack:
					delete(has, string(e.Person))
					if kind > 2 && !rising {
						bad("%s was taken by a report without a version", e.Person)
					}
				}
			}
			var st struct {
				Lines []struct {
					Quantity int
					Seats    []struct {
						Hash string
						Off  bool
					}
				}
				Refunds []struct {
					ID       string
					Reversed bool
					Lines    []struct {
						Whole bool
						Seats []string
						Open  int
					}
				}
			}
			tx = store.Begin()
			entry, err := store.LastEntryTx(t.Context(), tx, "", "1001", 0)
			require.NoError(t, err)
			tx.Rollback()
			if entry.N == 0 {
				continue
			}
			require.NoError(t, json.Unmarshal(entry.Body, &st))
			gone := map[string]bool{}
			opens := 0
			for _, f := range st.Refunds {
				for _, fl := range f.Lines {
					if !f.Reversed {
						opens += fl.Open
						for _, h := range fl.Seats {
							gone[h] = true
						}
					}
				}
			}
			room := quantity - len(gone) - opens
			if kind > 2 && !over && len(has) > max(before, room) {
				bad("%d have it of %d seats: %v", len(has), room, has)
			}
			if kind > 2 && len(l.Attendees) == l.Quantity && len(gone) == 0 && opens == 0 && rising && !over && before <= l.Quantity {
				for _, u := range l.Attendees {
					if !has[string(u.ID)] && len(rep.NeedsStaff()) == 0 {
						bad("%s is named and has nothing, silently", u.ID)
					}
				}
			}
		}
		_, _, _, _ = refunded, seatsGone, open, reversed
	}
	_ = time.Now
}

// person is somebody with an ID.
func person(id string) amsbridge.User {
	return amsbridge.User{ID: amsbridge.UserID(id), FirstName: id, LastName: id, Email: id + "@example.org"}
}
