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
	// nothing is written for it. Errors: [ErrNoTransaction], *amsbridge.InputError,
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
	// WithdrawInFlight: it is in flight, or an earlier attempt ended without an
	// answer, so that the platform may have it. It stays as it is.
	WithdrawInFlight
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
	// Limit is the most messages that are returned: 1 to 10,000. Defaults to 1,000.
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
	// InFlight is set while a sender holds a live lease on it.
	InFlight bool
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
// short transaction of its own, or none; none is open while a platform is called.
type Queue interface {
	// Claim leases due messages, at most [ClaimRequest.KeyLimit] of each ordering
	// key, the earliest inserted first, and none while another of the key is leased:
	// whoever claimed them delivers them one after another. It raises the attempt
	// count of each, and the lost count of those whose last lease ended unsettled.
	// Destinations take turns: none of them uses up [ClaimRequest.Limit] while
	// others have due messages and are below their own limit.
	Claim(ctx context.Context, req ClaimRequest) (Claim, error)

	// Settle records outcomes and returns the IDs of those that it
	// acknowledged. One that is missing had lost its lease (its token is no
	// longer the current one): nothing was changed for it, and its follow-ups
	// and effects on the destination were left out too. Each settlement is
	// recorded whole or not at all. On an error the IDs returned with it were
	// acknowledged all the same, and the others may be settled again. The batch
	// is the caller's again after the call.
	Settle(ctx context.Context, batch []Settlement) ([]ID, error)

	// Prune removes what need not be kept any longer, a bounded part at a time.
	Prune(ctx context.Context, p Pruning) (Pruned, error)
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
	// Then are follow-ups: they are inserted with the settlement, but for those
	// whose key exists. They must pass [CheckMessages] and set neither Unless nor
	// Replaces.
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
	// Break opens the destination's breaker for so long: nothing is claimed for
	// it until then, and afterwards one probe at a time, until a settlement with
	// Resume closes it. Zero for not at all.
	Break time.Duration
	// Resume ends a pause that the destination took by itself, and closes its
	// breaker. An operator's pause stays.
	Resume bool
	// By names the sender.
	By string
}
