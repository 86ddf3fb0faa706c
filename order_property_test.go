package amsbridge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// seats is what an order bought, by line and seat: who has it, if anyone.
type seats map[string][]amsbridge.User

var defects = []func(*amsbridge.User){
	func(u *amsbridge.User) { u.ID = "" },
	func(u *amsbridge.User) { u.ID = "null" },
	func(u *amsbridge.User) { u.ID = " " + u.ID },
	func(u *amsbridge.User) { u.ID = "\xff" },
	func(u *amsbridge.User) { u.ID = amsbridge.UserID(strings.Repeat("x", 256)) },
	func(u *amsbridge.User) { u.Email = "nonsense" },
	func(u *amsbridge.User) { u.Email = "" },
	func(u *amsbridge.User) { u.FirstName = "" },
	func(u *amsbridge.User) { u.LastName = "a\nb" },
}

// randomOrder buys whatever the shop knows, has no mapping for, or does not
// sell elsewhere, for sound and defective people.
func randomOrder(r *rand.Rand) amsbridge.Order {
	people := make([]amsbridge.User, 6)
	for i := range people {
		people[i] = amsbridge.User{
			ID: amsbridge.UserID(fmt.Sprintf("U-%d", i)), FirstName: "F", LastName: "L", Email: fmt.Sprintf("u%d@example.org", i),
		}
	}
	for i := range r.IntN(3) {
		defects[r.IntN(len(defects))](&people[5-i])
	}
	all := []string{"course", "course-2", "workshop", "dinner", "other", "bundle", "broken", "book", "nowhere", "fails", "huge", "entrance", "gala"}
	o := amsbridge.Order{ID: "1001", Buyer: people[r.IntN(len(people))]}
	for i := range 1 + r.IntN(12) {
		l := amsbridge.Line{ID: fmt.Sprintf("L%d", i), ProductID: all[r.IntN(len(all))], Quantity: r.IntN(6)}
		for range min(r.IntN(7), max(0, l.Quantity+1-r.IntN(3))) {
			l.Attendees = append(l.Attendees, people[r.IntN(len(people))]) // perhaps twice
		}
		o.Lines = append(o.Lines, l)
	}
	return o
}

// newPropertyShop has a product too long for one push and one that fails.
func newPropertyShop(t *testing.T) *shop {
	t.Helper()
	s := newShop(t)
	s.catalog = func(id string) (amsbridge.Product, amsbridge.Offering, error) {
		switch id {
		case "fails":
			return amsbridge.Product{}, amsbridge.Offered, errors.New("catalogue is away")
		case "huge":
			p := amsbridge.Product{ID: "huge", ShowKey: 7}
			for i := range 900 {
				p.AddOnKeys = append(p.AddOnKeys, int64(1_000_000_000+i))
			}
			return p, amsbridge.Offered, nil
		case "entrance", "gala":
			return eventProducts[id], amsbridge.Offered, nil
		}
		return mapped(id)
	}
	return s
}

// covering is how often a seat is in each kind of answer.
type covering struct{ leftOut, standIns, registrations, addOns int }

// cover asks that the answer tell of all that is stored, each once, and counts
// how each seat is provided for.
func (s *shop) cover(o amsbridge.Order, q *amsbridge.Queued) map[string]covering {
	s.t.Helper()
	stored := map[outbox.ID]outbox.Record{}
	for _, r := range s.stored() {
		stored[r.ID] = r
	}
	named := map[outbox.ID]int{}
	for _, m := range q.Messages {
		named[m.ID]++
		require.Equal(s.t, stored[m.ID].Key, m.Key)
		require.Equal(s.t, stored[m.ID].Items, m.LineIDs)
	}
	for _, p := range q.Parked {
		named[p.ID]++
		require.NotEmpty(s.t, p.Reason)
	}
	require.Len(s.t, named, len(stored), "all that is stored is told of")
	for id, n := range named {
		require.Equal(s.t, 1, n, "message %d is told of once", id)
	}
	return s.standing(o, q.LeftOut)
}

// standing counts, from what is stored and not replaced, how each seat is
// provided for.
func (s *shop) standing(o amsbridge.Order, leftOut []string) map[string]covering {
	s.t.Helper()
	stored := slices.DeleteFunc(s.stored(), func(r outbox.Record) bool { return r.State == outbox.StateReplaced })
	got := map[string]covering{}
	for id, people := range seatsOf(o) {
		for at, u := range people {
			c := covering{}
			if slices.Contains(leftOut, id) {
				c.leftOut++
			}
			keys, onNotified := 0, false
			for _, r := range stored {
				switch {
				case !slices.Contains(r.Items, id):
				case r.Kind == amsbridge.KindParkedLine:
					var f struct {
						At   int  `json:"at"`
						Rest bool `json:"rest"`
					}
					require.NoError(s.t, json.Unmarshal(r.Facts, &f))
					if f.At < 0 || f.At == at || f.Rest && at >= f.At {
						c.standIns++
					}
				case r.Person != string(u.ID) || firstSeat(people, u.ID) != at:
				case r.Kind == amsbridge.KindRegistration:
					c.registrations++
				default:
					a, err := amsbridge.DecodeAddOns(r.Message)
					require.NoError(s.t, err)
					for _, l := range a.Lines {
						if l.LineID == id {
							keys, onNotified = keys+len(l.Keys), true
						}
					}
				}
			}
			if onNotified {
				c.addOns = 1
				if p, offering, _ := s.catalog(lineOf(o, id).ProductID); offering == amsbridge.Offered {
					require.Equal(s.t, len(p.AddOnKeys), keys, "every key of the line, once, whatever the parts")
				}
			}
			got[fmt.Sprintf("%s/%d", id, at)] = c
		}
	}
	return got
}

// seatsOf lists an order's seats. A line of no quantity, or of more attendees
// than seats, has one.
func seatsOf(o amsbridge.Order) seats {
	all := seats{}
	for _, l := range o.Lines {
		people := l.Attendees
		switch {
		case l.Quantity < 1 || len(people) > l.Quantity:
			people = make([]amsbridge.User, 1)
		case l.Quantity == 1 && len(people) == 0:
			people = []amsbridge.User{o.Buyer}
		}
		all[l.ID] = append(slices.Clone(people), make([]amsbridge.User, max(0, l.Quantity-len(people)))...)
	}
	return all
}

func firstSeat(people []amsbridge.User, id amsbridge.UserID) int {
	return slices.IndexFunc(people, func(u amsbridge.User) bool { return u.ID == id })
}

func lineOf(o amsbridge.Order, id string) amsbridge.Line {
	return o.Lines[slices.IndexFunc(o.Lines, func(l amsbridge.Line) bool { return l.ID == id })]
}

// Every seat of every line of a paid order is left out, parked, or with each
// platform that its product lives on: just one of these, each time.
func TestNoSeatOfARandomOrderIsLostOrSentTwice(t *testing.T) {
	t.Parallel()
	for range 300 {
		seed := rand.Uint64()
		o := randomOrder(rand.New(rand.NewPCG(seed, 1)))
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			s := newPropertyShop(t)
			q := s.complete(o)
			for seat, c := range s.cover(o, q) {
				id, _, _ := strings.Cut(seat, "/")
				p, offering, err := s.catalog(lineOf(o, id).ProductID)
				want := covering{}
				switch {
				case offering == amsbridge.NotOffered && err == nil:
					want.leftOut = 1
				case c.standIns > 0:
					want.standIns = 1
				default:
					require.NoError(t, err, seat)
					require.Equal(t, amsbridge.Offered, offering, seat)
					if p.OnElevate() {
						want.registrations = 1
					}
					if p.OnNotified() {
						want.addOns = 1
					}
				}
				require.Equal(t, want, c, "seat %s of %+v", seat, o)
			}
		})
	}
}

// A shop need not report lines and attendees in one order for ever: the same
// pushes come of it, and no conflict.
func TestRepeatWithShuffledLinesAndAttendeesIsTheSame(t *testing.T) {
	t.Parallel()
	for range 200 {
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 2)) // the subtest's own
		o := randomOrder(r)
		for i := range o.Lines { // who is the first of two of one name, or of a defective one, is told by place
			sound := o.Lines[i].Attendees[:0]
			for _, u := range o.Lines[i].Attendees {
				if u.ID.Check() == nil && firstSeat(sound, u.ID) < 0 {
					sound = append(sound, u)
				}
			}
			o.Lines[i].Attendees = sound
		}
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			s := newPropertyShop(t)
			first := told(s.complete(o))
			stored := s.stored()
			for range 3 {
				again := o
				again.Lines = slices.Clone(o.Lines)
				for i, l := range again.Lines {
					again.Lines[i].Attendees = shuffled(r, l.Attendees)
				}
				again.Lines = shuffled(r, again.Lines)
				q := s.complete(again)
				require.Equal(t, first, told(q))
				for _, m := range q.Messages {
					require.True(t, m.Duplicate)
				}
				for _, p := range q.Parked {
					require.True(t, p.Duplicate)
				}
				require.Equal(t, stored, s.stored(), "nothing was written")
			}
		})
	}
}

// A catalogue that knows a product today and not tomorrow, and the other way
// round, neither loses a seat nor serves it twice; and once it knows them all,
// rebuilding leaves nothing parked.
func TestRepeatsWhileTheCatalogueChangesItsMind(t *testing.T) {
	t.Parallel()
	for range 150 {
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 3))
		o := amsbridge.Order{ID: "1001", Buyer: ada}
		for i := range 1 + r.IntN(6) {
			l := line(fmt.Sprintf("L%d", i), []string{"course", "course-2", "workshop", "other", "bundle", "dinner"}[r.IntN(6)])
			if r.IntN(2) == 0 {
				l.Quantity, l.Attendees = 2, []amsbridge.User{bob, ada}
			}
			o.Lines = append(o.Lines, l)
		}
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			forgotten := map[string]bool{}
			s.catalog = func(id string) (amsbridge.Product, amsbridge.Offering, error) {
				if forgotten[id] {
					return amsbridge.Product{}, amsbridge.Unknown, nil
				}
				return mapped(id)
			}
			check := func(parked bool) {
				for seat, c := range s.standing(o, nil) {
					id, _, _ := strings.Cut(seat, "/")
					p := products[lineOf(o, id).ProductID]
					want := covering{standIns: 1}
					if c.standIns == 0 || !parked {
						want = covering{}
						if p.OnElevate() {
							want.registrations = 1
						}
						if p.OnNotified() {
							want.addOns = 1
						}
					}
					require.Equal(t, want, c, "seat %s of %+v", seat, o)
				}
			}
			for range 6 {
				clear(forgotten)
				for id := range products {
					forgotten[id] = r.IntN(2) == 0
				}
				tx := s.store.Begin()
				_, err := s.hook.OrderCompleted(t.Context(), tx, o)
				var conflict *outbox.ConflictError
				if errors.As(err, &conflict) { // one push of two lines, of which one is forgotten now
					err = nil
				}
				require.NoError(t, err)
				require.NoError(t, tx.Commit())
				if len(s.stored()) > 0 {
					check(true)
				}
			}
			clear(forgotten)
			require.Empty(t, s.rebuild(o).Parked)
			check(false)
		})
	}
}

func shuffled[T any](r *rand.Rand, in []T) []T {
	out := slices.Clone(in)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// told is an answer as a set of IDs, keys and lines.
func told(q *amsbridge.Queued) []string {
	var out []string
	for _, m := range q.Messages {
		out = append(out, fmt.Sprint("queued ", m.ID, m.Destination, m.Key, m.LineIDs))
	}
	for _, p := range q.Parked {
		out = append(out, fmt.Sprint("parked ", p.ID, p.Key, p.LineIDs))
	}
	for _, id := range q.LeftOut {
		out = append(out, "left out "+id)
	}
	slices.Sort(out)
	return out
}
