// Package outboxtest holds what tests need around an outbox.
//
//   - [Memory] is a store without a database, for tests of senders.
//   - [Recorder] and [RequireQueued] are for the unit tests of a shop: they
//     stand in for the store and tell what was queued.
//   - [Run] is the conformance suite that every store must pass, and [Simulate]
//     plays random schedules of shops, senders and an operator on one.
//
// It is for tests only: nothing here is durable.
package outboxtest
