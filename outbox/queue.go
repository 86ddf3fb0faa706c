package outbox

import (
	"context"
	"errors"
	"time"
)

// Shards is the number of shards. Each ordering key belongs to one of them, and each shard to one sender's
// session at a time, or to none.
const Shards = 64

// ShardOf returns the shard of an ordering key: 0 to [Shards] - 1.
func ShardOf(orderingKey int64) int { return int(uint64(orderingKey) % Shards) } //nolint:gosec // all bits are wanted

// SessionID identifies a session: one sender's membership among those that work on a store. Stores give out
// positive IDs, and none twice.
type SessionID int64

// ErrNoSession is returned by calls of a [Queue] in the name of a session that is over: its sender was
// taken for dead, and others have its messages. Nothing was changed.
var ErrNoSession = errors.New("outbox: the sender's session is over")

// Queue hands messages out to senders and records their outcomes. Each call is one short transaction of
// its own, or none; none is open while a platform is called.
//
// Senders share the messages by shards. No lease is written on a message: the owner of a shard keeps in its
// memory which ordering keys are in flight, and records which messages it is about to send. Whoever sees a
// session's beats stand still ends it: its shards become free, and what it had recorded and not settled
// falls due.
type Queue interface {
	// Join begins a session. The first one adopts the store for its installation. A session of an installation
	// that did not adopt it pauses everything, until [Operator.Adopt], or until it is over and [Operator.ResumeAll].
	Join(ctx context.Context, j Joining) (SessionID, error)

	// Beat proves that a session's sender is alive, and tells it of the others. It reaps sessions, gives
	// shards back and takes free ones, in that order, as far as it is asked to.
	Beat(ctx context.Context, b Beat) (Pulse, error)

	// Read returns pending messages. It locks and changes nothing.
	Read(ctx context.Context, r Reading) (Read, error)

	// Record notes that the session is about to send messages, and returns those that it may begin: they
	// are pending, due, not locked by anybody else, and their destination is open. Each is in flight until
	// it is settled, or a Settle names the flight as over. The store tells that by its clock: what was put
	// off at a time that has not come yet counts as in flight while the flight is not over.
	Record(ctx context.Context, f Flight) (Recorded, error)

	// Settle records outcomes of messages that the session has in flight. Each settlement is recorded whole
	// or not at all, and none where the session is over: [ErrNoSession]. It never waits for a row that
	// somebody else has locked. With another error some may be recorded all the same, and all may be
	// settled again. The caller may reuse the batch after the call.
	Settle(ctx context.Context, s Settling) (Settled, error)

	// Leave ends a session whose sender has settled what it recorded, and frees its shards. What it left
	// unsettled falls due as if it had died.
	Leave(ctx context.Context, id SessionID) error

	// Prune deletes what need not be kept any longer, a bounded part at a time.
	Prune(ctx context.Context, p Pruning) (Pruned, error)

	// NewTasks returns tasks of subjects' last entries that TasksTold was not told of, at most limit (1
	// to 1,000).
	NewTasks(ctx context.Context, limit int) ([]OpenTask, error)

	// TasksTold records that somebody was told of these tasks.
	TasksTold(ctx context.Context, told []OpenTask) error
}

// Joining says how a session begins.
type Joining struct {
	// By names the sender, for people; at most 64 bytes are kept.
	By string
	// Length is how long others must see it stand still before they take it for dead.
	Length time.Duration
	// Installation names the installation: see [SenderConfig.Installation]. Empty leaves it to the store to
	// tell by where it is kept.
	Installation string
}

// Beat is one beat of a session.
type Beat struct {
	Session SessionID
	// Give are shards to give back, of which the sender has nothing in flight.
	Give []int
	// Take is the most free shards that the session takes. Zero takes none.
	Take int
	// Dead are sessions to be reaped, as their beats stood: one that has beaten since is left alone. Of a
	// reaped session's flights and stamps, what is still in flight falls due now, and its lost count
	// rises; from [PoisonAfter] on it is parked as [ReasonKillsWorker]. What was put off since it was
	// recorded stays as it is.
	Dead []SessionBeats
	// Mend makes due what was put off at a time that has not come yet by the database's clock, and opens
	// destinations that were closed at such a time: the clock was set back.
	Mend bool
}

// SessionBeats is how often a session has beaten.
type SessionBeats struct {
	ID    SessionID
	Beats int64
	// By names its sender.
	By string
	// Length is how long it must stand still to be taken for dead.
	Length time.Duration
}

// Pulse is what a beat tells.
type Pulse struct {
	// Sessions are all sessions, the own one included.
	Sessions []SessionBeats
	// Owned are the session's shards, ascending. Free is how many nobody owns.
	Owned []int
	Free  int
	// Closed are the destinations that may not be sent to freely.
	Closed []Closed
	// Reaped is how many messages of dead sessions fell due, and Poisoned those that were parked.
	Reaped   int
	Poisoned []Record
	// Mended is how many messages fell due since the clock was set back.
	Mended int
	// Now is the database's clock.
	Now time.Time
	// Newest is the greatest ID in the queue, whatever its shard; zero where the queue is empty.
	Newest ID
	// NextDue is the time until the first of the messages that were put off falls due, whatever its shard, at
	// most [MaxNextDue]; zero where one is due already.
	NextDue time.Duration
	// Begun and Ended bound insertions that commit late: a message which was inserted before a Pulse with
	// this Begun is committed, or never will be, before any Pulse whose Ended is at least as great. A
	// database that cannot tell promises it for transactions of at most half a minute.
	Begun, Ended uint64
}

// Closed is a destination that may not be sent to freely.
type Closed struct {
	// Destination is empty for everything: nothing may be begun then, whatever the destination. An operator
	// paused it, or a session of another installation did.
	Destination string
	// For is how long it stays closed, at least. An operator's pause has none.
	For time.Duration
	// Probing says that one message at a time may test it, once For is over.
	Probing bool
	// ByOperator says that an operator paused it.
	ByOperator bool
	// Reason says why everything was paused by another installation's session. Only [Queue.Beat] tells.
	Reason string
	// Limited says that it is open, and has used up its rate. Only [Queue.Record] tells.
	Limited bool
}

// Reading says what [Queue.Read] returns: messages that are fresh, or those that are due; or of one
// ordering key, both.
type Reading struct {
	Session SessionID
	// Shards are those to read, of the session's own.
	Shards []int
	// Due reads messages that were tried before and are due, by due time and ID. Otherwise those that were
	// never put off are read, by ID.
	Due bool
	// AfterDue and After are where to go on: after a due time and ID with Due, after an ID without.
	AfterDue time.Time
	After    ID
	// UpTo is the last ID to read, without Due. Zero for no bound.
	UpTo ID
	// Key reads only messages of this ordering key, by ID, fresh and due alike, where HasKey is set.
	Key    int64
	HasKey bool
	// Destination reads only those of this one. Empty for all.
	Destination string
	// Except are destinations to pass over.
	Except []string
	// Known are messages to leave out: the sender has them.
	Known []ID
	// Limit is the most messages returned: 1 to 10,000.
	Limit int
}

// Read is what [Queue.Read] returns.
type Read struct {
	Messages []Waiting
	// More is set when the limit was reached, of this store's own limit for one call: go on after Last.
	More bool
	// LastDue and Last are those of the last message that was looked at, or the reading's own.
	LastDue time.Time
	Last    ID
	// NextDue is the time until another message of these shards falls due, at most [MaxNextDue]; zero where
	// one is due already or nothing is known. Only a reading with Due tells.
	NextDue time.Duration
}

// MaxNextDue is the longest [Read.NextDue].
const MaxNextDue = time.Hour

// Waiting is a pending message.
type Waiting struct {
	Message
	// Key is its ordering key.
	Key int64
	// Due is when it fell due; zero for one that was never put off.
	Due time.Time
	// Lost counts in a row the sessions that ended while it was in flight.
	Lost int
	// Broken says why the stored message cannot be read. It holds then nothing but ID, destination and key.
	Broken string
}

// Flight is a set of messages that a session is about to send.
type Flight struct {
	Session SessionID
	// N numbers the session's flights from 1.
	N        int64
	Messages []Queued
	// Rates are the limits of destinations that have one. Each message that may begin counts.
	Rates map[string]Rate
	// Probe says that the flight is one message, which tests a destination that paused itself or whose
	// breaker is open. Only one session's may until ProbeFor is over.
	Probe    bool
	ProbeFor time.Duration
	// Early lets the message test a destination that paused itself before its time has come, as after a
	// restart, which may have brought new credentials.
	Early bool
}

// Queued is a message as [Queue.Record] and an operator find it.
type Queued struct {
	ID          ID
	Key         int64 // ordering key
	Destination string
}

// Recorded is what [Queue.Record] returns. Of a message that is neither in Begun nor of a destination in
// Closed, the sender knows no more than that it may not be sent now.
type Recorded struct {
	// Begun are the messages that were recorded, in the order of the flight.
	Begun []Begun
	// Closed are the destinations of messages that did not begin, as far as they may not be sent to, or have
	// used up their rate: For is when they may be. While everything is paused nothing begins, and that alone is told.
	Closed []Closed
}

// Begun is a message that may be sent.
type Begun struct {
	ID ID
	// Attempts counts the attempts that were settled and counted, without this one.
	Attempts int
	// Lost counts in a row the sessions that ended while it was in flight.
	Lost  int
	Doubt Doubt
	// NotReadySince is when the platform first answered "not ready" since the message was inserted, or
	// since an operator sent it again; zero if it never did. Other outcomes in between do not change
	// it.
	NotReadySince time.Time
	// Waited is the time since NotReadySince, by the database's clock.
	Waited time.Duration
	// Alone tells that the store has no other message of its ordering key, ended ones included, and that
	// this one was surely never tried.
	Alone bool
}

// How many sessions in a row a message must outlive in flight to be isolated, and to be parked.
const (
	// SuspectAfter lost sessions make a message a suspect: it is sent isolated, with
	// nothing else in flight.
	SuspectAfter = 2
	// PoisonAfter lost sessions park a message as [ReasonKillsWorker]: the first SuspectAfter were lost
	// beside other messages, the other five isolated.
	PoisonAfter = SuspectAfter + 5
)

// ReasonKillsWorker is why a message is parked after [PoisonAfter] lost sessions.
const ReasonKillsWorker = "kills its worker: its sender died or stalled each time, five times while it was sent alone"

// Settling is a batch of settlements.
type Settling struct {
	Session SessionID
	Batch   []Settlement
	// Over are flights of which nothing is left to be settled once the batch is recorded. Where a message of
	// the batch is not acknowledged they stay: name them again.
	Over []int64
}

// Settled is what [Queue.Settle] returns. A message that is in neither list had left the queue: nothing
// was changed for it, and its follow-ups and effects on the destination were left out too.
type Settled struct {
	// Acked are the messages whose settlement is recorded.
	Acked []ID
	// Locked are those that somebody else has locked: settle them again.
	Locked []ID
}
