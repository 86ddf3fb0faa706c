package amsbridge

import "slices"

// Report says what a call of the hook found and what it stored. All of it is on condition that the
// caller's transaction commits.
type Report struct {
	// Entries tell of each line, and of each person's grants on it.
	Entries []Entry
	// Stale is set where a report with a newer version came before: nothing was changed.
	Stale bool
	// OtherOrder is set where the ID belongs to another order: nothing was given or taken, and a task was
	// stored.
	OtherOrder bool
	// Empty is set where the order has no lines.
	Empty bool
}

// Entry is what became of one line, of one person's seat on it, or of one grant of that seat.
type Entry struct {
	// LineID is empty where the entry is about the order as a whole.
	LineID string
	// Person is empty where it is about the line, or the person is not named in the call.
	Person UserID
	// Destination, Item and Key are those of the grant's message, where there is one. Item is for people
	// to read.
	Destination, Item, Key string
	Did                    Did
	// Text says more in plain words, without personal data. It may be empty.
	Text string
}

// Did is what was done about a part of an order.
type Did string

// What was done.
const (
	// DidQueued: a give was stored. It is sent once the transaction has committed.
	DidQueued Did = "queued"
	// DidUnchanged: it is as an earlier report said.
	DidUnchanged Did = "unchanged"
	// DidTakingBack: a take was stored. At its turn it takes what nothing else brings.
	DidTakingBack Did = "taking back"
	// DidNeedsStaff: somebody must act; Text says on what. It is also logged at Warn, and told to the
	// sender's alarm once it is committed.
	DidNeedsStaff Did = "needs staff"
	// DidShopOnly: the line's product lives on no platform.
	DidShopOnly Did = "shop only"
	// DidRefunded: the seat or line was given back by a refund.
	DidRefunded Did = "refunded"
	// DidAbsent: the report does not name it, which says nothing: it stays as it is.
	DidAbsent Did = "absent"
	// DidRemapped: the product is mapped otherwise by now. What was delivered stays; Text says what the
	// new mapping would change.
	DidRemapped Did = "remapped"
	// DidErased: the person was erased. Nothing is sent.
	DidErased Did = "erased"
)

// NeedsStaff returns the entries on which somebody must act.
func (r *Report) NeedsStaff() []Entry {
	return slices.DeleteFunc(slices.Clone(r.Entries), func(e Entry) bool { return e.Did != DidNeedsStaff })
}
