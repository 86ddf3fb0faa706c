// Package peers has other outboxes and queues do the work that the outbox does,
// tuned as their documentation allows: River and watermill-sql. No other module
// depends on it.
package peers
