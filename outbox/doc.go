// Package outbox stores messages in the caller's own database transaction and delivers them afterwards,
// at least once, to named destinations.
//
// It knows messages, never orders: the content of a message is bytes to it. Three small interfaces
// separate it from the database: [Writer] adds messages inside a transaction, [Queue] hands them out to
// senders and records their outcomes, and an operator reads and acts through [Inspector]. Packages
// sqlstore and pgxstore implement all three, on database/sql and on pgx. Package outboxtest holds an
// in-memory store and the conformance suite that any store must pass.
//
// # The way of a message
//
// A message is inserted pending. The [Sender] that owns its shard records it as in flight, and has its
// [Destination] deliver it. Then the attempt is settled by its outcome: the message is
// delivered, or falls due again after a backoff, or is parked, which means that a person must act (see
// [Operator]). Of a sender that dies the session is ended by another one, which takes its shards over: what it
// had in flight falls due. Messages of one ordering key, which is destination and person, are sent one at a time, the earliest first.
//
// # What is promised
//
// A message exists if and only if the caller's transaction committed. It leaves the queue only by an
// acknowledged settlement or an audited operator action. A crash loses nothing; it may repeat a send,
// with the same key.
//
// # What is not promised
//
// Exactly-once delivery is not promised. Whether a platform treats two calls with one key as one is up
// to the platform.
package outbox
