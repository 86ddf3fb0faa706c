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
	// A message whose key exists is a duplicate: nothing is written for it. It updates and locks no row
	// that exists. Errors: [ErrNoTransaction] and *amsbridge.InputError, after which the transaction is
	// usable, or the database's.
	InsertTx(ctx context.Context, tx Tx, msgs ...Message) ([]Inserted, error)

	// AppendTx stores an entry and messages, all or none, and returns false, with nothing written, where
	// an entry of that subject and number exists. Of two transactions that append the same number at the
	// same moment one waits for the other's end. It reads nothing before it writes, except on MariaDB,
	// and updates and locks no other row that exists. A message whose key exists is left out. The errors
	// are those of InsertTx.
	AppendTx(ctx context.Context, tx Tx, e Entry, msgs ...Message) (bool, error)

	// LastEntryTx returns the last entry of a subject, or one with N zero where there is none. Met is
	// the number at which AppendTx just returned false, or zero: the entry returned is at least that
	// one, even where the transaction's snapshot is older, or the database's error says that the
	// transaction must be tried again.
	LastEntryTx(ctx context.Context, tx Tx, association, subject string, met int) (Entry, error)

	// FindTx returns the messages that match, in the order of their IDs. It locks nothing.
	FindTx(ctx context.Context, tx Tx, q Query) ([]Record, error)
}

// Inserted is the result of inserting one message.
type Inserted struct {
	// ID is the message's ID, or that of the message which had the key before.
	ID ID
	// Duplicate is set when nothing was written because the key existed.
	Duplicate bool
}

// Query selects messages that match all fields that are set. At least one of IDs, Subject, Person, Keys
// and States must be set.
type Query struct {
	IDs         []ID
	Destination string
	Subject     string
	// Person is the user ID of a person of Association, which is empty for none. With a Person only
	// messages of that association match.
	Person, Association string
	// Scope selects, of the messages of a Destination and a Person, those of this scope.
	Scope  string
	Keys   []string
	States []State
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
	// Unsettled is set while a lease is recorded on it, live or lost: a sender may have sent it and not
	// recorded what came of it.
	Unsettled bool
	// Seq is the greatest [Settlement.Seq] of its settlements. Zero for none.
	Seq int64
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

	// NewTasks returns tasks of subjects' last entries that TasksTold was not told of, at most limit (1
	// to 1,000).
	NewTasks(ctx context.Context, limit int) ([]OpenTask, error)

	// TasksTold records that somebody was told of these tasks.
	TasksTold(ctx context.Context, told []OpenTask) error
}

// End is a message that ends with the settlement of another.
type End struct {
	ID ID
	// State is withdrawn or replaced.
	State  State
	Reason string
}

// Settlement is the end of a lease.
type Settlement struct {
	// Message is the leased message.
	Message Message
	Token   Token
	// State is the message's new state: pending (to be tried again), parked, delivered or already done;
	// or withdrawn or replaced, where nothing was left to be sent.
	State State
	// Seq is a count that rises from settlement to settlement of an ordering key's messages that a
	// platform may have received. Zero leaves the message's as it is.
	Seq int64
	// Ends are other messages of the same ordering key that end with this settlement. One that is not
	// in the queue any more, is leased, or that somebody else has locked is left as it is.
	Ends []End
	// Releases are messages of the same ordering key that may be forgotten together with this one, which
	// is among them: see [Message.Sequel]. Empty keeps this one too, if it has a sequel.
	Releases []ID
	// Partly says that a part of the message took effect, whatever the outcome.
	Partly bool
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
	// must pass [CheckMessages].
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
	// ProbeAgain says that the message was to probe its destination, and was not sent: another one may
	// probe it at once.
	ProbeAgain bool
	// By names the sender.
	By string

	settled func() // of the Result
}
