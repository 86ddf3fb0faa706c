package outbox

import "time"

// Pruning says what [Queue.Prune] removes.
type Pruning struct {
	// Replies is the age at which attempts are deleted. Of the attempt that settled the message only
	// the platform's reply is deleted. Zero for never.
	Replies time.Duration
	// Forget is the age since its settlement at which a whole message is deleted, with its key and
	// receipt, and with it what its settlement released. A message with a [Message.Sequel] that no
	// settlement released is kept. An entry of that age is deleted unless it is its subject's first or
	// last. Zero for never.
	Forget time.Duration
	// Limit is the most attempts that one call reads. Defaults to 1,000.
	Limit int
}

// Pruned is what one call of [Queue.Prune] did.
type Pruned struct {
	Replies   int // attempts removed or emptied
	Forgotten int // messages and entries removed
	// More is set when the limit was reached: call again.
	More bool
}

// Erasure removes a person from the record. In every message of theirs Pseudonym replaces the user ID,
// in the key's readable parts too; facts, scope, profile, receipt and the texts of attempts are emptied.
// The key stays, so a message that is inserted again is still a duplicate. Messages still in the queue
// are discarded; of those that have a [Message.Sequel] their subject's next entry tells (see
// [Entry.AfterErasing]).
type Erasure struct {
	Actor  Actor
	Reason string
	// Person is the user ID to erase, of Association, which is empty for none.
	Person, Association string
	// Pseudonym replaces the user ID. Nobody without the key must be able to compute it: see
	// [Operator.Erase].
	Pseudonym string
}
