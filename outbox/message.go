package outbox

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// ID identifies a message within one store. The store assigns it, rising in the order of insertion,
// though not always in the order of commit.
type ID int64

// Limits of a message, in bytes unless said otherwise. A message above them is refused at insertion
// with an *amsbridge.InputError.
const (
	MaxKey      = 64
	MaxPerson   = 255
	MaxSubject  = 255
	MaxKind     = 64
	MaxReason   = 1000
	MaxPayload  = 1 << 20 // facts and profile, each
	MaxItems    = 10_000  // a count
	MaxMessages = 10_000  // a count, per insertion
)

// TaskPrefix begins the kind of messages that are work for a person and are never sent. They are born
// parked, cannot be sent again, and end by being marked done, discarded or replaced.
const TaskPrefix = "task/"

// Message is one thing to deliver to one destination.
//
// Its content has two parts. Facts are what the platform must know: they are kept as long as the
// message, and must hold no name and no e-mail address. Profile holds these: it is deleted on delivery.
type Message struct {
	// ID is assigned by the store and ignored on insertion.
	ID ID
	// Destination names where the message goes: "elevate", or with a suffix
	// "elevate/acme". See [CheckDestination] for the form.
	Destination string
	// Key is unique within the destination and at most [MaxKey] bytes. A message with the same key is a
	// duplicate, or a conflict if its fingerprint differs.
	Key string
	// KeyParts are what Key was made from, for people to read.
	KeyParts []string
	// Kind says what the payload is, such as "registration".
	Kind string
	// Person is the user ID that shop and platforms share. Destination and person are the ordering key:
	// of each, one message at a time is in flight. It may be empty only for tasks and for messages born
	// held.
	Person string
	// Subject is what the message is about: the order ID.
	Subject string
	// Items are the parts of the subject that the message covers: line IDs.
	Items []string
	// Facts are compared between repeats (see Fingerprint) and kept.
	Facts []byte
	// Profile is deleted on delivery. Nil when there is none.
	Profile []byte
	// Fingerprint is compared between repeats of a key. Defaults to a hash of Facts. A producer that
	// changes the encoding of its facts must set the old encoding's fingerprint here, so that repeats
	// of old orders still match.
	Fingerprint []byte
	// Version is the version of the payload's format, at least 1. A destination returns
	// [ErrNewerVersion] for a version that it does not know.
	Version int
	// After is the key of a message of the same destination that must be settled first. While that
	// message is parked, this one is parked too. Empty for none; a key that no message has delays
	// nothing.
	After string
	// Unless are keys, in any destination, that must not exist. If one does, the insertion is refused
	// with an [*ExistsError].
	Unless []string
	// Replaces is a parked or held message that ends as replaced when this one is inserted. Several
	// messages of one call may replace the same one. Zero for none.
	Replaces ID
	// Born is [StatePending], [StateParked] or [StateHeld]. Defaults to
	// pending.
	Born State
	// Reason says why a message was born parked or held, for the operator.
	Reason string
	// TraceContext is a W3C traceparent carried to the delivery, or empty.
	TraceContext string
	// Created is when the store stored the message; it is ignored on insertion.
	Created time.Time
	// Attempt counts the deliveries begun, this one included. It is set on messages given to a
	// [Destination].
	Attempt int
	// Doubt says why an earlier send may have reached the platform. It is set on messages given to a
	// [Destination].
	Doubt Doubt
}

// Doubt is a set of reasons why this send may be a duplicate of one that the platform received. Its
// numbers are stored and never change.
type Doubt uint8

// Why a send may be a duplicate.
const (
	// DoubtLostLease: the lease of an earlier attempt was lost, since its sender died or stalled. That
	// attempt may not have begun.
	DoubtLostLease Doubt = 1 << iota
	// DoubtUnknown: an earlier attempt reached the platform and got no answer that could be understood.
	DoubtUnknown
)

// PossibleDuplicate tells whether an earlier send may have reached the
// platform.
func (m Message) PossibleDuplicate() bool { return m.Doubt != 0 }

// IsTask tells whether the message is work for a person and is never sent.
func (m Message) IsTask() bool {
	return len(m.Kind) >= len(TaskPrefix) && m.Kind[:len(TaskPrefix)] == TaskPrefix
}

// OrderingKey returns a 64-bit hash of destination and person. Messages of one ordering key are sent
// one at a time. Two persons with the same hash by accident only wait for each other.
func (m Message) OrderingKey() int64 {
	var room [MaxPerson + 128]byte
	place := append(append(append(room[:0], m.Destination...), 0), m.Person...)
	sum := sha256.Sum256(place)
	return int64(binary.BigEndian.Uint64(sum[:])) //nolint:gosec // all 64 bits are wanted, sign included
}

// FactsFingerprint returns m.Fingerprint or, where it is not set, the first 16 bytes of the SHA-256 of
// the facts.
func (m Message) FactsFingerprint() []byte {
	if len(m.Fingerprint) > 0 {
		return m.Fingerprint
	}
	sum := sha256.Sum256(m.Facts)
	return sum[:16]
}
