package outbox

import "time"

// ClaimRequest says how much a sender can take.
type ClaimRequest struct {
	// Token will prove that the leases of this claim are current.
	Token Token
	// By names the sender, for the log. At most 64 bytes are kept.
	By string
	// Lease is how long the claimed messages stay leased.
	Lease time.Duration
	// Limit is the most messages that may be claimed in all.
	Limit int
	// DestinationLimit is the most messages that this sender may have in flight at
	// one destination.
	DestinationLimit int
	// KeyLimit is the most messages of one ordering key (see [Message.OrderingKey])
	// that are leased together, for one worker to deliver one after another. Only
	// one is leased where the earliest due message of the key lost its last lease.
	// Defaults to 1.
	KeyLimit int
	// Skip are ordering keys to leave alone: a hint that spares the store from
	// reading what it cannot give out.
	Skip []int64
	// From is a destination's name. Destinations take turns in the order of their
	// names: this claim begins with the one after From, and goes round. Empty for
	// the first.
	From string
	// Rate returns the limit of a destination, shared by all senders of the
	// store. Nil for no limits at all. It must be quick.
	Rate func(destination string) Rate
	// InFlight is how many messages the sender has in flight already, by
	// destination: DestinationLimit less InFlight may be claimed. A negative count
	// lets more than DestinationLimit be claimed.
	InFlight map[string]int
	// Isolated claims one suspect, a message whose last two leases were lost, and
	// nothing else. Without it suspects are left where they are.
	Isolated bool
	// Probe lets one message through to each destination that paused itself,
	// though its next probe is not due.
	Probe bool
	// ProbeEvery is when a paused destination is probed next, once a probe was
	// let through.
	ProbeEvery time.Duration
}

// How many leases in a row a message must lose to be isolated, and to be parked.
const (
	// SuspectAfter lost leases make a message a suspect: it is sent isolated, with
	// nothing else in flight.
	SuspectAfter = 2
	// PoisonAfter lost leases, the first SuspectAfter of them beside other messages
	// and five isolated, park it as [ReasonKillsWorker].
	PoisonAfter = SuspectAfter + 5
)

// ReasonKillsWorker is why a message is parked after [PoisonAfter] lost leases.
const ReasonKillsWorker = "kills its worker: its sender died or stalled each time, five times while it was sent alone"

// ReasonWaitsFor begins the reason of a message that is parked because the one
// that it names in After is parked; the key of that one follows.
const ReasonWaitsFor = "waits for "

// Claim is what [Queue.Claim] returns.
type Claim struct {
	// Leased are the claimed messages: ordering keys in the order in which their
	// first message fell due, and the messages of one key together, in the order of
	// insertion.
	Leased []Leased
	// Busy are ordering keys that have due messages and a live lease, as far as the
	// claim met them: worth skipping for a moment.
	Busy []int64
	// Last is the destination at which the claim ended because a limit was reached:
	// see [ClaimRequest.From]. Empty when all destinations had their turn. A store
	// that stops early for a limit of its own sets it too.
	Last string
	// Suspects is set when messages that must be isolated are due.
	Suspects bool
	// Poisoned were parked by this claim: see [PoisonAfter].
	Poisoned []Record
	// NextDue is the time until another pending message falls due, at most
	// [MaxNextDue]; zero when others may be due already. It does not foresee that a
	// lease may be lost: look again by the clock.
	NextDue time.Duration
}

// MaxNextDue is the longest [Claim.NextDue].
const MaxNextDue = time.Hour

// Leased is a claimed message.
type Leased struct {
	Message
	// Lost counts the leases in a row that ended unsettled.
	Lost int
	// NotReadySince is when the platform first answered "not ready" for the message
	// since it was inserted, or since an operator sent it again; zero when it never
	// did. Other outcomes in between do not change it.
	NotReadySince time.Time
	// Waited is the time since NotReadySince, by the database's clock.
	Waited time.Duration
	// Probe is set on the one message that finds out whether a destination is well
	// again that paused itself, or whose breaker is open.
	Probe bool
}
