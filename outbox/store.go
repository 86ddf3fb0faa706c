package outbox

import (
	"context"
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

	// FindTx returns the messages that match, in the order of their IDs, or the newest first. It locks
	// nothing.
	FindTx(ctx context.Context, tx Tx, q Query) ([]Record, error)
}

// Inserted is the result of inserting one message.
type Inserted struct {
	// ID is the message's ID, or that of the message which had the key before.
	ID ID
	// Duplicate is set when nothing was written because the key existed.
	Duplicate bool
}

// Query selects messages that match all fields that are set. At least one of IDs, Subject, Person, Keys,
// States, CreatedFrom and FailedFrom must be set.
//
// A query by IDs, Subject, Person or Keys reads what it names, one by states of the queue reads the
// queue, and one by CreatedFrom or FailedFrom reads what is of that time: none grows with the messages
// that are kept. One by final states alone reads the kept messages, in the order of their IDs, until the
// page is full: for states that are rare give a time too.
type Query struct {
	IDs         []ID
	Destination string
	Subject     string
	// Person is the user ID of a person of Association, which is empty for none. With a Person only
	// messages of that association match; with a Subject alone they do where Association is set.
	Person, Association string
	// Scope selects messages of this scope: a product's, whoever's they are.
	Scope  string
	Keys   []string
	States []State
	// InFlight asks for [Record.InFlight], at the price of a second query.
	InFlight bool
	// Reason selects messages in the queue whose [Record.Reason] is this, byte for byte: see
	// [Inspector.Groups].
	Reason string
	// CreatedFrom and CreatedTo select by [Message].Created: from the one on, and before the other. Where
	// the database's clock was set back, some messages of that time may be missing.
	CreatedFrom, CreatedTo time.Time
	// FailedFrom and FailedTo select messages with an attempt of that time that failed or parked them,
	// whatever became of them since. Attempts whose log was pruned are forgotten.
	FailedFrom, FailedTo time.Time
	// Newest returns those with the greatest IDs, the greatest first.
	Newest bool
	// AfterID and BeforeID return only messages with a greater or a lower ID, for paging.
	AfterID, BeforeID ID
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
	// InFlight is set, where [Query.InFlight] asks for it, while a sender that is alive, or was not found
	// dead yet, has recorded it as in flight and has not settled it since.
	InFlight bool
	// Seq is the greatest [Settlement.Seq] of its settlements. Zero for none.
	Seq int64
	// Lost counts in a row the sessions that ended while it was in flight.
	Lost int
	// Settled is when the message left the queue; zero while it is in it.
	Settled time.Time
	// Outcome and Receipt are those of the last attempt.
	Outcome Outcome
	Receipt []byte
}

// End is a message that ends with the settlement of another.
type End struct {
	ID ID
	// State is withdrawn or replaced.
	State  State
	Reason string
}

// Settlement is the end of an attempt.
type Settlement struct {
	// Message is the message that was in flight.
	Message Message
	// State is the message's new state: pending (to be tried again), parked, delivered or already done;
	// or withdrawn or replaced, where nothing was left to be sent.
	State State
	// Seq is a count that rises from settlement to settlement of an ordering key's messages that a
	// platform may have received. Zero leaves the message's as it is.
	Seq int64
	// Ends are other messages of the same ordering key that end with this settlement. One that is not
	// in the queue any more, or that somebody else has locked, is left as it is. The sender names none
	// that it has in flight itself, and of one ordering key nobody else has any.
	Ends []End
	// Releases are messages of the same ordering key that may be forgotten together with this one, which
	// is among them: see [Message.Sequel]. Empty keeps this one too, if it has a sequel.
	Releases []ID
	// Partly says that a part of the message took effect, whatever the outcome.
	Partly bool
	// Deferred does not count the attempt: nothing was tried, or it does not count.
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
	// Break opens the destination's breaker for this time: nothing is begun for it until then, and
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
