package outbox

import "time"

// ClaimRequest says what a sender can take.
type ClaimRequest struct {
	// Token proves later that the leases of this claim are current.
	Token Token
	// By names the sender, for the log. At most 64 bytes are kept.
	By string
	// Lease is how long the claimed messages stay leased.
	Lease time.Duration
	// Limit is the most messages that may be claimed in all.
	Limit int
	// DestinationLimit is the most messages that this sender may have in flight at one destination.
	DestinationLimit int
	// KeyLimit is the most messages of one ordering key (see [Message.OrderingKey]) that are leased
	// together, for one worker to deliver one after another. If the earliest due message of the key
	// lost its last lease, only that one is leased. Defaults to 1.
	KeyLimit int
	// Skip are ordering keys to pass over: a hint that saves the store from reading messages that it
	// cannot lease.
	Skip []int64
	// From is a destination's name. Destinations take turns in the order of their names: this claim
	// begins with the one after From, and wraps around. Empty for the first.
	From string
	// Rate returns the limit of a destination, shared by all senders of the
	// store. Nil for no limits at all. It must be quick.
	Rate func(destination string) Rate
	// InFlight is how many messages the sender has in flight already, by destination: DestinationLimit
	// minus InFlight may be claimed. A negative count allows more than DestinationLimit.
	InFlight map[string]int
	// Isolated claims one suspect and nothing else. A suspect is a message whose last two leases were
	// lost. Without Isolated, suspects are not claimed.
	Isolated bool
	// Probe claims one message for each destination that paused itself, even if its next probe is not
	// due.
	Probe bool
	// ProbeEvery is the time from a probe of a paused destination to the next one.
	ProbeEvery time.Duration
}

// How many leases in a row a message must lose to be isolated, and to be parked.
const (
	// SuspectAfter lost leases make a message a suspect: it is sent isolated, with
	// nothing else in flight.
	SuspectAfter = 2
	// PoisonAfter lost leases park a message as [ReasonKillsWorker]: the first SuspectAfter were lost
	// beside other messages, the other five isolated.
	PoisonAfter = SuspectAfter + 5
)

// ReasonKillsWorker is why a message is parked after [PoisonAfter] lost leases.
const ReasonKillsWorker = "kills its worker: its sender died or stalled each time, five times while it was sent alone"

// Claim is what [Queue.Claim] returns.
type Claim struct {
	// Leased are the claimed messages. Those of one ordering key are together, in the order of
	// insertion; keys are in the order in which their first message fell due.
	Leased []Leased
	// Busy are ordering keys with due messages and a live lease, as far as the claim met them: they are
	// worth skipping for a moment.
	Busy []int64
	// Last is the destination at which the claim stopped because a limit was reached: see
	// [ClaimRequest.From]. Empty when all destinations had their turn. A store that stops early for a
	// limit of its own sets it too.
	Last string
	// Suspects is set when messages that must be isolated are due.
	Suspects bool
	// Poisoned are the messages that this claim parked: see [PoisonAfter].
	Poisoned []Record
	// NextDue is the time until another pending message falls due, at most [MaxNextDue]; zero when one
	// may be due already. It does not foresee that a lease is lost, so senders must also poll.
	NextDue time.Duration
}

// MaxNextDue is the longest [Claim.NextDue].
const MaxNextDue = time.Hour

// Leased is a claimed message.
type Leased struct {
	Message
	// Lost counts the leases lost in a row.
	Lost int
	// NotReadySince is when the platform first answered "not ready" since the message was inserted, or
	// since an operator sent it again; zero if it never did. Other outcomes in between do not change
	// it.
	NotReadySince time.Time
	// Waited is the time since NotReadySince, by the database's clock.
	Waited time.Duration
	// Probe is set on the one message that tests whether a destination works again: one that paused
	// itself, or whose breaker is open.
	Probe bool
}
