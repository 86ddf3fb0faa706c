// Package amsbridge carries a shop's completed orders to the learning platform
// Elevate and the virtual-event platform Notified, and signs the hand-offs with
// which members walk in there.
//
// A shop says what was bought ([Order]) and which of its products live where
// ([Catalog]). [Hook.OrderCompleted] turns the order into outbox messages in
// the shop's own transaction: they exist if and only if the shop commits. A
// sender from package outbox delivers them afterwards, retrying, with a
// destination from adapters/elevate or adapters/notified. [Standing] answers
// "where is my course?", and [SSO] signs the token that names the member by the
// same [UserID] as the pushes did.
//
// Delivery is at least once, with a stable key: after a crash or a lost answer
// a push may be sent again. No platform is claimed to honour the key. Elevate's
// text says that it upserts the user and registers them for the product, so a
// repeat should change nothing but may mail once more; what Notified does with
// an add-on that is there already is not stated.
package amsbridge
