// Package outbox stores messages in the caller's own database transaction and
// delivers them afterwards, at least once, to named destinations.
//
// It knows messages, never orders: what a message says is bytes to it. Three
// small interfaces are the seam to a database: [Writer] adds messages inside a
// transaction, [Queue] hands them out to senders and takes their outcomes, and
// [Inspector] is what an operator reads and acts through. Packages sqlstore and
// pgxstore implement all three, on database/sql and on pgx; package outboxtest
// holds an in-memory store and the conformance suite that any store must pass.
//
// # The way of a message
//
// A message is inserted pending. A [Sender] claims it, which leases it to that
// sender for a while, and has its [Destination] deliver it. The outcome of that
// attempt is settled: the message is delivered, or falls due again after a
// backoff, or is parked, which means that a person must look at it (an
// [Operator]). A sender that dies loses its leases, and another one claims what
// it left. Messages of one ordering key, which is destination and person, are
// sent one at a time, the earliest first.
//
// # What is promised
//
// A message exists if and only if the caller's transaction committed. It
// leaves the queue only by an acknowledged settlement or an audited operator
// action. A crash loses nothing; it may repeat a send, with the same key.
//
// # What is not promised
//
// Exactly-once delivery. Whether a platform treats two calls with one key as
// one is the platform's business.
package outbox
