package outbox

import "time"

// Pruning says what [Queue.Prune] removes.
type Pruning struct {
	// Replies is the age at which attempts are forgotten, but for the one that
	// settled the message, of which the platform's reply is forgotten. Zero for
	// never.
	Replies time.Duration
	// Forget is the age, counted from its settlement, at which a message is
	// forgotten as a whole, its key and receipt included: an older order that is
	// reported again is sent again. Zero for never.
	Forget time.Duration
	// Limit is the most attempts that one call reads. Defaults to 1,000.
	Limit int
}

// Pruned is what one call of [Queue.Prune] did.
type Pruned struct {
	Replies   int // attempts removed or emptied
	Forgotten int // messages removed
	// More is set when the limit was met: call again.
	More bool
}

// Erasure makes a person unknown: in every message of theirs the user ID is
// replaced by Pseudonym, in the key's readable parts too; facts, fingerprint,
// profile, receipt, and the texts of attempts are emptied. The key stays, so an
// order that is reported again is still a duplicate: a message without a
// fingerprint matches any facts. What is still queued is discarded.
type Erasure struct {
	Actor  Actor
	Reason string
	// Person is the user ID to erase.
	Person string
	// Pseudonym takes the user ID's place. Nobody without the key must be able to
	// compute it: see [Operator.Erase].
	Pseudonym string
}
