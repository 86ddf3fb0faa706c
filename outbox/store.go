package outbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"
)

// Writer adds messages inside the caller's transaction. The caller begins,
// commits and rolls back; a Writer never does. Tx is the transaction type of
// the database library, so that a connection pool in its place does not
// compile.
type Writer[Tx any] interface {
	// InsertTx stores messages, all or none, in as few round trips as the
	// database allows, and returns one Inserted for each in the given order.
	//
	// A message whose key exists with the same fingerprint is a duplicate:
	// nothing is written for it. Errors: [ErrNoTransaction], [*FieldError],
	// [*ConflictError], [*ExistsError], [*RefusedError], or the database's own.
	// After all of these but the last, and a ConflictError that says otherwise,
	// the transaction is usable.
	InsertTx(ctx context.Context, tx Tx, msgs ...Message) ([]Inserted, error)

	// FindTx returns the messages that match, in the order of their IDs.
	FindTx(ctx context.Context, tx Tx, q Query) ([]Record, error)

	// WithdrawTx takes messages back that no platform can have received, and
	// returns what became of each, in the given order.
	WithdrawTx(ctx context.Context, tx Tx, ids ...ID) ([]Withdrawal, error)
}

// Inserted tells what became of one message of an insertion.
type Inserted struct {
	// ID is the message's, or that of the message which had the key before.
	ID ID
	// Duplicate is set when nothing was written, since the key existed.
	Duplicate bool
}

// Withdrawal tells what became of a message that was to be withdrawn.
type Withdrawal uint8

// What became of it.
const (
	// WithdrawNotFound: no message has that ID.
	WithdrawNotFound Withdrawal = iota
	// Withdrawn: it ended, and was never sent.
	Withdrawn
	// WithdrawUnderWay: it is being sent, or an earlier send ended without an
	// answer, so that the platform may have it. It stays as it is.
	WithdrawUnderWay
	// WithdrawSettled: it had left the queue before, delivered or otherwise.
	WithdrawSettled
)

// Query selects messages. Fields that are set must all match. At least one of
// IDs, Subject, Person, Keys and States must be set.
type Query struct {
	IDs         []ID
	Destination string
	Subject     string
	Person      string
	Keys        []string
	States      []State
	// AfterID returns only messages with a greater ID, for paging.
	AfterID ID
	// Limit is the most that are returned: 1 to 10,000. Defaults to 1,000.
	Limit int
}

// Record is a message and where it stands.
type Record struct {
	Message
	State State
	// Reason says why it waits or is parked, in plain words.
	Reason string
	// Due is when a pending message may next be sent.
	Due time.Time
	// UnderWay is set while a sender holds a live lease on it.
	UnderWay bool
	// Lost counts the leases in a row that ended unsettled.
	Lost int
	// Settled is when it left the queue; zero while it has not.
	Settled time.Time
	// Outcome and Receipt are those of the last attempt.
	Outcome Outcome
	Receipt []byte
}

// Token proves that a lease is current. Each claim has a fresh one.
type Token [16]byte

// NewToken returns a random token.
func NewToken() Token {
	var t Token
	_, _ = rand.Read(t[:]) // never fails: crypto/rand ends the program instead
	return t
}

// String returns the token in hexadecimal.
func (t Token) String() string { return hex.EncodeToString(t[:]) }

// Queue hands messages to senders and takes their outcomes. Each call is one
// short transaction of its own, or none; none is open while HTTP is under way.
type Queue interface {
	// Claim leases due messages: at most one of each destination and person,
	// the earliest inserted first, and none while another of them is leased. It
	// raises the attempt count of each, and the lost count of those whose last
	// lease ended unsettled.
	Claim(ctx context.Context, req ClaimRequest) (Claim, error)

	// Settle records outcomes and returns the IDs of those that it
	// acknowledged. One that is missing had lost its lease (its token is no
	// longer the current one): nothing was changed for it, and its follow-ups
	// and effects on the destination were left out too. Each settlement is
	// recorded whole or not at all. On an error the IDs returned with it were
	// acknowledged all the same, and the others may be settled again.
	Settle(ctx context.Context, batch []Settlement) ([]ID, error)
}

// ClaimRequest says how much a sender can take.
type ClaimRequest struct {
	Token Token
	// By names the sender, for the log. At most 64 bytes are kept.
	By string
	// Lease is how long the claimed messages stay leased.
	Lease time.Duration
	// Room is the most that may be claimed in all.
	Room int
	// Slots is the most that this sender may hold of one destination.
	Slots int
	// Holding is what it holds already, by destination.
	Holding map[string]int
	// Alone claims a single suspect: a message whose last two leases were lost.
	// Otherwise suspects are left where they are.
	Alone bool
	// Probe lets one message through to each destination that paused itself,
	// though its next probe is not due.
	Probe bool
	// ProbeEvery is when a paused destination is probed next, once a probe was
	// let through.
	ProbeEvery time.Duration
}

// Suspects and poison: how many leases in a row must be lost.
const (
	// SuspectAfter lost leases make a message a suspect, claimed alone.
	SuspectAfter = 2
	// PoisonAfter lost leases, SuspectAfter of them in company and five alone,
	// park it as [ReasonKillsWorker].
	PoisonAfter = SuspectAfter + 5
)

// ReasonKillsWorker is why a message is parked after [PoisonAfter] lost leases.
const ReasonKillsWorker = "kills its worker: its sender died or stalled each time, five times while it was sent alone"

// ReasonWaitsFor begins the reason of a message parked with its predecessor;
// the predecessor's key follows.
const ReasonWaitsFor = "waits for "

// Claim is what a claim came to.
type Claim struct {
	// Leased are the claimed messages, in the order in which they fell due.
	Leased []Leased
	// Suspects is set when messages that must be claimed alone are due.
	Suspects bool
	// Poisoned were parked by this claim: see [PoisonAfter].
	Poisoned []Record
	// NextDue is how long until the next pending message falls due that is not
	// due yet, at most [MaxNextDue]; zero when others may be due now. That a
	// lease may be lost meanwhile is not foreseen: look again by the clock.
	NextDue time.Duration
}

// MaxNextDue is the longest [Claim.NextDue].
const MaxNextDue = time.Hour

// Leased is a claimed message.
type Leased struct {
	Message
	Lost int
	// NotReadySince is when the platform first said "not ready", since it was
	// inserted or sent again by an operator; zero when it did not. What a platform
	// that is unavailable in between does not say changes nothing about it.
	NotReadySince time.Time
	// Waited is how long it has been not ready, by the database's clock.
	Waited time.Duration
	// Probe is set when its destination paused itself and this is the probe.
	Probe bool
}

// Settlement is the end of a lease.
type Settlement struct {
	// Message is the leased one.
	Message Message
	Token   Token
	// State is what it becomes: pending (to be tried again), parked, delivered
	// or already done.
	State State
	// Deferred gives the attempt back: nothing was tried, or it does not count.
	Deferred bool
	Outcome  Outcome
	// Delay is when a pending message falls due again, from now.
	Delay time.Duration
	// Code, Reason and Detail are kept in the log. Reason is also what the
	// operator reads while it waits or is parked.
	Code, Reason, Detail string
	Receipt              []byte
	// Then are inserted with the settlement; those whose key exists are left
	// out. They must pass [CheckMessages] and set neither Unless nor Replaces.
	Then []Message
	// Took is how long the delivery took.
	Took time.Duration
	// Unlogged leaves no attempt in the log: the delivery was not begun.
	Unlogged bool
	// Hold keeps the destination from being sent to for so long. Zero for not
	// at all.
	Hold time.Duration
	// Pause pauses the destination with this reason. Empty for not at all.
	Pause string
	// ProbeEvery is when a destination paused by this settlement is probed.
	ProbeEvery time.Duration
	// Resume ends a pause that the destination took by itself. An operator's
	// pause stays.
	Resume bool
	// By names the sender.
	By string
}
