package orders

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// defect is what may be wrong with a person.
type defect struct {
	name  string
	spoil func(*amsbridge.User)
}

func (d defect) String() string { return d.name }

var defects = []defect{
	{"no ID", func(u *amsbridge.User) { u.ID = "" }},
	{"ID that says null", func(u *amsbridge.User) { u.ID = "null" }},
	{"ID after a space", func(u *amsbridge.User) { u.ID = " " + u.ID }},
	{"ID that is no UTF-8", func(u *amsbridge.User) { u.ID = "\xff" }},
	{"ID too long", func(u *amsbridge.User) { u.ID = amsbridge.UserID(strings.Repeat("x", 256)) }},
	{"no e-mail address", func(u *amsbridge.User) { u.Email = "nonsense" }},
	{"empty e-mail address", func(u *amsbridge.User) { u.Email = "" }},
	{"no first name", func(u *amsbridge.User) { u.FirstName = "" }},
	{"last name of two lines", func(u *amsbridge.User) { u.LastName = "a\nb" }},
}

// drawOrder buys whatever the shop sells, lives nowhere or has no mapping, for
// sound and defective people.
func drawOrder(t *rapid.T) amsbridge.Order {
	people := make([]amsbridge.User, 6)
	for i := range people {
		people[i] = amsbridge.User{
			ID: amsbridge.UserID(fmt.Sprintf("U-%d", i)), FirstName: "F", LastName: "L",
			Email: fmt.Sprintf("u%d@example.org", i),
		}
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "defective people") {
		rapid.SampledFrom(defects).Draw(t, "defect").spoil(&people[5-i])
	}
	person := rapid.SampledFrom(people)
	product := rapid.SampledFrom([]string{
		"course", "course-2", "workshop", "dinner", "other", "bundle",
		"broken", "book", "nowhere", "fails", "huge", "entrance", "gala",
	})
	o := amsbridge.Order{ID: "1001", Buyer: person.Draw(t, "buyer")}
	for i := range rapid.IntRange(1, 12).Draw(t, "lines") {
		l := amsbridge.Line{ID: fmt.Sprintf("L%d", i), ProductID: product.Draw(t, "product")}
		l.Quantity = rapid.IntRange(0, 5).Draw(t, "quantity")
		// One too many, or a person twice, is for the hook to notice.
		l.Attendees = rapid.SliceOfN(person, 0, l.Quantity+1).Draw(t, "attendees")
		o.Lines = append(o.Lines, l)
	}
	return o
}

// hardCatalog has a product too long for one push and one whose lookup fails.
func hardCatalog(id string) (amsbridge.Product, amsbridge.Offering, error) {
	switch id {
	case "fails":
		return amsbridge.Product{}, amsbridge.Offered, errors.New("catalogue is away")
	case "huge":
		p := amsbridge.Product{ID: "huge", ShowKey: 7}
		for i := range 900 {
			p.AddOnKeys = append(p.AddOnKeys, int64(1_000_000_000+i))
		}
		return p, amsbridge.Offered, nil
	case "entrance":
		return amsbridge.Product{ID: id, ShowKey: 7, ShowPackageKey: 70}, amsbridge.Offered, nil
	case "gala":
		return amsbridge.Product{ID: id, ShowKey: 7, ShowPackageKey: 70, AddOnKeys: []int64{3}}, amsbridge.Offered, nil
	}
	return mapped(id)
}

// provision is how often a seat is in each kind of answer.
type provision struct{ leftOut, parkedLines, registrations, addOns int }

// whole is what a seat of the product must have on the platforms.
func whole(p amsbridge.Product) (want provision) {
	if p.OnElevate() {
		want.registrations = 1
	}
	if p.OnNotified() {
		want.addOns = 1
	}
	return want
}

// requireAnswer fails unless the answer names all that is stored, each once.
func (e *env) requireAnswer(q *amsbridge.Queued) {
	e.Helper()
	stored := map[outbox.ID]outbox.Record{}
	for _, r := range e.stored() {
		stored[r.ID] = r
	}
	named := map[outbox.ID]int{}
	for _, m := range q.Messages {
		named[m.ID]++
		require.Equal(e, stored[m.ID].Key, m.Key)
		require.Equal(e, stored[m.ID].Items, m.LineIDs)
	}
	for _, p := range q.Parked {
		named[p.ID]++
		require.NotEmpty(e, p.Reason)
	}
	require.Len(e, named, len(stored), "all that is stored is in the answer")
	for id, n := range named {
		require.Equal(e, 1, n, "message %d is in the answer once", id)
	}
}

// provisions counts, from what is stored and not replaced, how each seat of the
// order is provided for. A seat is written as line and number.
func (e *env) provisions(o amsbridge.Order, leftOut []string) map[string]provision {
	e.Helper()
	replaced := func(r outbox.Record) bool { return r.State == outbox.StateReplaced }
	stored := slices.DeleteFunc(e.stored(), replaced)
	got := map[string]provision{}
	for id, people := range seatsOf(o) {
		for at, u := range people {
			// A person who is named twice on a line has the first of the two seats.
			of := slices.DeleteFunc(slices.Clone(stored), func(r outbox.Record) bool {
				return !slices.Contains(r.Items, id) ||
					r.Kind != amsbridge.KindParkedLine && (r.Person != string(u.ID) || firstSeat(people, u.ID) != at)
			})
			p := e.provision(lineOf(o, id), at, of)
			if slices.Contains(leftOut, id) {
				p.leftOut++
			}
			got[fmt.Sprintf("%s/%d", id, at)] = p
		}
	}
	return got
}

// provision counts how one seat is provided for by these messages.
func (e *env) provision(l amsbridge.Line, at int, stored []outbox.Record) (got provision) {
	e.Helper()
	keys := 0
	for _, r := range stored {
		switch r.Kind {
		case amsbridge.KindParkedLine:
			var f struct {
				At   int  `json:"at"`
				Rest bool `json:"rest"`
			}
			require.NoError(e, json.Unmarshal(r.Facts, &f))
			if f.At < 0 || f.At == at || f.Rest && at >= f.At {
				got.parkedLines++
			}
		case amsbridge.KindRegistration:
			got.registrations++
		default:
			a, err := amsbridge.DecodeAddOns(r.Message)
			require.NoError(e, err)
			for _, part := range a.Lines {
				if part.LineID == l.ID {
					keys, got.addOns = keys+len(part.Keys), 1
				}
			}
		}
	}
	if p, offering, _ := e.catalog(l.ProductID); got.addOns > 0 && offering == amsbridge.Offered {
		require.Equal(e, len(p.AddOnKeys), keys, "every key of the line, once, whatever the parts")
	}
	return got
}

func firstSeat(people []amsbridge.User, id amsbridge.UserID) int {
	return slices.IndexFunc(people, func(u amsbridge.User) bool { return u.ID == id })
}

// Every seat of every line of a paid order is left out, parked, or with each
// platform that its product lives on: just one of these, each time.
func TestNoSeatOfAnOrderIsLostOrSentTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := drawOrder(t)
		e := newEnv(t, hardCatalog)
		q := e.commit(e.hook.OrderCompleted, o)
		e.requireAnswer(q)
		for seat, got := range e.provisions(o, q.LeftOut) {
			id, _, _ := strings.Cut(seat, "/")
			p, offering, err := e.catalog(lineOf(o, id).ProductID)
			want := provision{parkedLines: 1}
			switch {
			case offering == amsbridge.NotOffered && err == nil:
				want = provision{leftOut: 1}
			case got.parkedLines == 0:
				require.NoError(t, err, seat)
				require.Equal(t, amsbridge.Offered, offering, seat)
				want = whole(p)
			}
			require.Equal(t, want, got, "seat %s", seat)
		}
	})
}

// A shop need not report lines and attendees in one order for ever: the same
// pushes come of it, and no conflict.
func TestRepeatWithShuffledLinesAndAttendeesIsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := drawOrder(t)
		for i := range o.Lines { // only their order tells apart two people of one ID, or of a defective one
			var sound []amsbridge.User
			for _, u := range o.Lines[i].Attendees {
				if u.ID.Check() == nil && firstSeat(sound, u.ID) < 0 {
					sound = append(sound, u)
				}
			}
			o.Lines[i].Attendees = sound
		}
		e := newEnv(t, hardCatalog)
		first := listed(e.commit(e.hook.OrderCompleted, o))
		stored := e.stored()
		for range 3 {
			again := o
			again.Lines = rapid.Permutation(o.Lines).Draw(t, "lines again")
			for i, l := range again.Lines {
				again.Lines[i].Attendees = rapid.Permutation(l.Attendees).Draw(t, "attendees again")
			}
			q := e.commit(e.hook.OrderCompleted, again)
			require.Equal(t, first, listed(q))
			for _, m := range q.Messages {
				require.True(t, m.Duplicate)
			}
			for _, p := range q.Parked {
				require.True(t, p.Duplicate)
			}
			require.Equal(t, stored, e.stored(), "nothing was written")
		}
	})
}

// listed is an answer as a set of IDs, keys and lines.
func listed(q *amsbridge.Queued) (out []string) {
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

// A catalogue that knows a product today and not tomorrow, and the other way
// round, neither loses a seat nor serves it twice; and once it knows them all,
// rebuilding leaves nothing parked.
func TestRepeatsWhileTheCatalogueChangesItsMind(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := amsbridge.Order{ID: "1001", Buyer: ada}
		o.Lines = drawLines(t, 6, "course", "course-2", "workshop", "other", "bundle", "dinner")
		forgotten := map[string]bool{}
		e := newEnv(t, func(id string) (amsbridge.Product, amsbridge.Offering, error) {
			if forgotten[id] {
				return amsbridge.Product{}, amsbridge.Unknown, nil
			}
			return mapped(id)
		})
		check := func(mayBeParked bool) {
			for seat, got := range e.provisions(o, nil) {
				id, _, _ := strings.Cut(seat, "/")
				want := whole(products[lineOf(o, id).ProductID])
				if mayBeParked && got.parkedLines > 0 {
					want = provision{parkedLines: 1}
				}
				require.Equal(t, want, got, "seat %s", seat)
			}
		}
		for range 6 {
			for _, id := range slices.Sorted(maps.Keys(products)) {
				forgotten[id] = rapid.Bool().Draw(t, id+" is forgotten")
			}
			tx := e.store.Begin()
			_, err := e.hook.OrderCompleted(t.Context(), tx, o)
			var conflict *outbox.ConflictError
			if errors.As(err, &conflict) { // one push of two lines, of which one is forgotten now
				err = nil
			}
			require.NoError(t, err)
			require.NoError(t, tx.Commit())
			if len(e.stored()) > 0 {
				check(true)
			}
		}
		clear(forgotten)
		require.Empty(t, e.commit(e.hook.Rebuild, o).Parked)
		check(false)
	})
}
