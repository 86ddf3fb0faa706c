package outbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"
)

// Writer adds messages inside the caller's transaction. The caller begins, commits and rolls back; a
// Writer never does. Tx is the transaction type of the database library, so passing a connection pool
// does not compile.
type Writer[Tx any] interface {
	// InsertTx stores messages, all or none, in as few round trips as the database allows, and returns
	// one Inserted for each, in the given order.
	//
	// A message whose key exists with the same fingerprint is a duplicate: nothing is written for it.
	// Errors: [ErrNoTransaction], *amsbridge.InputError, [*ConflictError], [*ExistsError],
	// [*RefusedError], or the database's. After all of these the transaction is usable, except after
	// the database's and after a ConflictError with MustRollBack set.
	InsertTx(ctx context.Context, tx Tx, msgs ...Message) ([]Inserted, error)

	// FindTx returns the messages that match, in the order of their IDs.
	FindTx(ctx context.Context, tx Tx, q Query) ([]Record, error)

	// WithdrawTx takes back messages that no platform can have received, and returns what became of
	// each, in the given order.
	WithdrawTx(ctx context.Context, tx Tx, ids ...ID) ([]Withdrawal, error)
}

// Inserted is the result of inserting one message.
type Inserted struct {
	// ID is the message's ID, or that of the message which had the key before.
	ID ID
	// Duplicate is set when nothing was written because the key existed.
	Duplicate bool
}

// Withdrawal is the result of withdrawing one message.
type Withdrawal uint8

// The results of a withdrawal.
const (
	// WithdrawNotFound: no message has that ID.
	WithdrawNotFound Withdrawal = iota
	// Withdrawn: the message ended, and was never sent.
	Withdrawn
	// WithdrawInFlight: the message is in flight, or an earlier attempt ended without an answer, so the
	// platform may have it. It is unchanged.
	WithdrawInFlight
	// WithdrawSettled: the message had left the queue already, delivered or otherwise.
	WithdrawSettled
)

// Query selects messages that match all fields that are set. At least one of IDs, Subject, Person, Keys
// and States must be set.
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

// Record is a stored message and its state.
type Record struct {
	Message
	State State
	// Reason says in plain words why the message waits or is parked.
	Reason string
	// Due is when a pending message may next be sent.
	Due time.Time
	// InFlight is set while a sender holds a live lease on it.
	InFlight bool
	// Lost counts the leases lost in a row.
	Lost int
	// Settled is when the message left the queue; zero while it is in it.
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

// Queue hands messages out to senders and records their outcomes. Each call is one short transaction of
// its own, or none; none is open while a platform is called.
type Queue interface {
	// Claim leases due messages: at most [ClaimRequest.KeyLimit] of each ordering key, the earliest
	// inserted first, and none while another of the key is leased, since their sender delivers them one
	// after another. It raises the attempt count of each, and the lost count of those whose last lease
	// ended unsettled. Destinations take turns: none uses up [ClaimRequest.Limit] while others have due
	// messages and are below their own limit.
	Claim(ctx context.Context, req ClaimRequest) (Claim, error)

	// Settle records outcomes and returns the IDs of those that it acknowledged. A message whose ID is
	// missing had lost its lease (its token is no longer the current one): nothing was changed for it,
	// and its follow-ups and effects on the destination were left out too. Each settlement is recorded
	// whole or not at all. With an error, the returned IDs were acknowledged all the same, and the
	// others may be settled again. The caller may reuse the batch after the call.
	Settle(ctx context.Context, batch []Settlement) ([]ID, error)

	// Prune deletes what need not be kept any longer, a bounded part at a time.
	Prune(ctx context.Context, p Pruning) (Pruned, error)
}

// Settlement is the end of a lease.
type Settlement struct {
	// Message is the leased message.
	Message Message
	Token   Token
	// State is the message's new state: pending (to be tried again), parked, delivered or already done.
	State State
	// Deferred takes the attempt off the count: nothing was tried, or it does not count.
	Deferred bool
	Outcome  Outcome
	// Delay is the time from now until a pending message falls due again.
	Delay time.Duration
	// Code, Reason and Detail are kept in the log. Reason is also what the
	// operator reads while it waits or is parked.
	Code, Reason, Detail string
	Receipt              []byte
	// Then are follow-ups: they are inserted with the settlement, except those whose key exists. They
	// must pass [CheckMessages] and set neither Unless nor Replaces.
	Then []Message
	// Took is how long the delivery took.
	Took time.Duration
	// Unlogged leaves no attempt in the log: the delivery was not begun.
	Unlogged bool
	// Hold stops sending to the destination for this time. Zero for none.
	Hold time.Duration
	// Pause pauses the destination with this reason. Empty for none.
	Pause string
	// ProbeEvery is the time until a destination that this settlement pauses is probed.
	ProbeEvery time.Duration
	// Break opens the destination's breaker for this time: nothing is claimed for it until then, and
	// afterwards one probe at a time, until a settlement with Resume closes it. Zero for none.
	Break time.Duration
	// Resume ends a pause that the destination took by itself, and closes its breaker. An operator's
	// pause stays.
	Resume bool
	// By names the sender.
	By string
}
