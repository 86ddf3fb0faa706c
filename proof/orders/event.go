package orders

import (
	"slices"

	"pgregory.net/rapid"
)

// Kind is a kind of event.
type Kind int

// The kinds of events: what a shop says, what staff do, what senders and time do.
const (
	Report   Kind = iota // the shop changes the order, or makes it, and reports it
	Replay               // an older or the newest report comes again
	Refund               // lines, seats, people or all are given back
	Reverse              // a refund is undone
	Remap                // a product is mapped otherwise, and perhaps an order reported
	Strange              // an ID that is none, no lines, another order under a used ID
	Close                // an open transaction ends
	Discard              // an operator discards a give that was not delivered
	MarkDone             // an operator gives by hand what is parked
	Again                // an operator sends again what is parked
	Staff                // staff do what a parked take asks for
	Erase                // a person is erased
	Claim                // a sender records messages as in flight, and delivers some of them
	Deliver              // a sender delivers some of what it took
	Settle               // a sender records what became of it
	Crash                // a sender dies
	Work                 // a sender takes, delivers and records until nothing is due
	Advance              // time passes
	kinds
)

var kindNames = [kinds]string{
	"report", "replay", "refund", "reverse", "remap", "strange", "close", "discard", "mark done", "send again",
	"staff",
	"erase", "claim", "deliver", "settle", "crash", "run", "advance",
}

// Change is what a shop makes of an order before it reports it.
type Change int

// The changes.
const (
	NewLine Change = iota
	Name           // an attendee for an open seat, or one more
	Forget         // one attendee less
	MoreSeats
	LessSeats
	Swap     // one attendee in the place of another
	SwapBack // the attendees as they were before
	Exchange // the line's product
	DropLine
	Profile // another name
	Jumble  // other attendees at random
	changes
)

// Mode is how the shop's transaction goes.
type Mode int

// The modes.
const (
	Commit     Mode = iota
	RollBack        // whole
	Savepoint       // the call in a savepoint that is rolled back, the rest committed
	Twice           // the same twice in one transaction
	WithOther       // another order in the same transaction
	Concurrent      // two processes at once
	Late            // the transaction stays open for a while
	modes
)

var modeNames = [modes]string{"commit", "roll back", "savepoint", "twice", "with other", "concurrent", "late"}

// Fault is what befalls one call of a platform.
type Fault int

// The faults.
const (
	None Fault = iota
	Refused
	Lost      // the call is lost, and the sender cannot know
	Unheard   // it took effect, and its answer is lost
	Partly    // a part took effect
	DiesEre   // the sender dies before the call
	DiesThen  // the sender dies after the call took effect
	Behind    // a take has no answer, and takes effect after the person's next call
	Meanwhile // the shop's next event happens between the turn's decision and the call
	faults
)

var faultNames = [faults]string{
	"well", "refused", "lost", "unheard", "partly", "dies before", "dies after", "behind", "meanwhile",
}

// String names the fault.
func (f Fault) String() string { return faultNames[f] }

// Event is one thing that happens. Its numbers select among what is there when it happens, so that any
// event makes sense anywhere: a sequence can be made smaller by leaving events out.
type Event struct {
	Kind                            Kind
	Order, Line, Person, Product, N int
	Change                          Change
	Mode                            Mode
	Rising                          bool
	Faults                          []Fault
}

// times is a value, as often as it is to be drawn.
func times[T any](n int, value T) []T { return slices.Repeat([]T{value}, n) }

var weightedKinds = slices.Concat(
	times(9, Report), times(3, Replay), times(4, Refund), times(3, Reverse), times(1, Remap), times(1, Strange),
	times(1, Close), times(2, Discard), times(2, MarkDone), times(1, Again), times(6, Staff), times(1, Erase),
	times(4, Claim), times(2, Deliver), times(2, Settle), times(1, Crash), times(9, Work), times(2, Advance),
)

var weightedOrders = slices.Concat(times(3, 0), times(3, 1), times(1, 2), times(1, 3))

var weightedChanges = slices.Concat(
	times(3, NewLine), times(2, Name), times(1, Forget), times(1, MoreSeats), times(1, LessSeats), times(5, Swap),
	times(1, SwapBack), times(1, Exchange), times(1, DropLine), times(1, Profile), times(1, Jumble),
)

var weightedModes = slices.Concat(
	times(7, Commit), times(1, RollBack), times(1, Savepoint), times(1, Twice), times(1, WithOther),
	times(1, Concurrent), times(1, Late),
)

var weightedFaults = slices.Concat(
	times(4, None), times(1, Refused), times(1, Lost), times(2, Unheard), times(1, Partly), times(1, DiesEre),
	times(1, DiesThen), times(2, Behind), times(1, Meanwhile),
)

// even draws a number below n, each as likely as another; package rapid prefers the small ones.
func even(t *rapid.T, n int) int {
	v := 0
	for range 8 {
		v *= 2
		if rapid.Bool().Draw(t, "bit") {
			v++
		}
	}
	return v % n
}

func sample[T any](t *rapid.T, of []T) T { return of[even(t, len(of))] }

// drawEvent draws an event of the given kinds.
func drawEvent(of []Kind) *rapid.Generator[Event] {
	return rapid.Custom(func(t *rapid.T) Event {
		e := Event{Kind: sample(t, of)}
		switch e.Kind {
		case Report, Replay, Refund, Reverse, Remap, Strange:
			e.Order, e.Line, e.Person = sample(t, weightedOrders), even(t, 3), even(t, 3)
			e.Product, e.N = even(t, len(productIDs)), even(t, 6)
			e.Change, e.Mode = sample(t, weightedChanges), sample(t, weightedModes)
			e.Rising = even(t, 4) > 0
		case Claim, Deliver, Work:
			e.N, e.Person = even(t, 4), even(t, 2)
			e.Faults = make([]Fault, even(t, 7))
			for i := range e.Faults {
				e.Faults[i] = sample(t, weightedFaults)
			}
		default:
			e.N, e.Person = even(t, 6), even(t, 3)
		}
		return e
	})
}

// Sequence is what is played, and the settings of its shop.
type Sequence struct {
	Events                         []Event
	FirstSeatIsBuyers, SwapsByHand bool
}

// drawSequence draws a sequence.
func drawSequence() *rapid.Generator[Sequence] {
	return rapid.Custom(func(t *rapid.T) Sequence {
		var s Sequence
		for range 2 { // there must be something to change
			s.Events = append(s.Events, drawEvent([]Kind{Report}).Draw(t, "first"))
		}
		for range 10 + even(t, 24) {
			s.Events = append(s.Events, drawEvent(weightedKinds).Draw(t, "event"))
		}
		s.FirstSeatIsBuyers, s.SwapsByHand = even(t, 8) == 7, even(t, 8) == 7
		return s
	})
}
