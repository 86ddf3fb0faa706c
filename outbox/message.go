package outbox

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
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
	MaxScope    = 255
	MaxBody     = 8 << 20 // of an entry
	MaxTasks    = 10_000  // a count, of an entry
)

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
	// Key is unique within the destination and at most [MaxKey] bytes. A message whose key exists is a
	// duplicate, and is not stored.
	Key string
	// KeyParts are what Key was made from, for people to read.
	KeyParts []string
	// Kind says what the payload is, such as "registration".
	Kind string
	// Person is the user ID that shop and platforms share. Destination and person are the ordering key:
	// of each, one message at a time is in flight.
	Person string
	// Scope is what of the person's the message is about, such as a product: see [Query]. May be empty.
	Scope string
	// Subject is what the message is about: the order ID.
	Subject string
	// Items are the parts of the subject that the message covers: line IDs.
	Items []string
	// Facts are kept.
	Facts []byte
	// Profile is deleted on delivery. Nil when there is none.
	Profile []byte
	// Version is the version of the payload's format, at least 1. A destination returns
	// [ErrNewerVersion] for a version that it does not know.
	Version int
	// Sequel is the kind of the message that is inserted when an operator discards this one or marks it
	// done: with the same destination, person, subject, items, facts and scope, so that its destination
	// can look what that means for the person. Empty for none. A message with a sequel is forgotten only
	// together with a settlement that names it in Releases.
	Sequel string
	// TraceContext is a W3C traceparent carried to the delivery, or empty.
	TraceContext string
	// Created is when the store stored the message; it is ignored on insertion.
	Created time.Time
	// Attempt counts the attempts that were settled and counted; on a message given to a [Destination],
	// the one that begins as well.
	Attempt int
	// Alone is set on a message given to a [Destination] that was surely never tried, where the store had no other
	// message of its ordering key, ended ones included, just before it was sent.
	Alone bool
	// Doubt says why an earlier send may have reached the platform. It is set on messages given to a
	// [Destination], and on a [Record] for good: of one that left the queue it is as of its end.
	Doubt Doubt
}

// Doubt is a set of reasons why this send may be a duplicate of one that the platform received. Its
// numbers are stored and never change.
type Doubt uint8

// Why a send may be a duplicate.
const (
	// DoubtLost: the sender that had it in flight died or stalled, or another one may have sent it before the
	// store was adopted (see [Operator.Adopt]). That attempt may not have begun.
	DoubtLost Doubt = 1 << iota
	// DoubtUnknown: an earlier attempt reached the platform and got no answer that could be understood.
	DoubtUnknown
	// DoubtPartly: an earlier attempt was refused after a part of it had taken effect.
	DoubtPartly
)

// PossibleDuplicate tells whether an earlier send may have reached the
// platform.
func (m Message) PossibleDuplicate() bool { return m.Doubt != 0 }

// Association is the suffix of the destination's name: "acme" for "elevate/acme". It is empty for a
// destination without one.
func (m Message) Association() string {
	_, association, _ := strings.Cut(m.Destination, "/")
	return association
}

// OrderingKey returns a 64-bit hash of destination and person. Messages of one ordering key are sent
// one at a time. Two persons with the same hash by accident only wait for each other. Its first half is
// a hash of association and person: see [OrderingKeys].
func (m Message) OrderingKey() int64 {
	key := uint64(hash32(m.Association(), m.Person))<<32 | uint64(hash32(m.Destination, m.Person))
	return int64(key) //nolint:gosec // all 64 bits are wanted, sign included
}

// OrderingKeys returns the first and the last ordering key that messages of a person can have. Other
// persons' may lie between them: their bytes must be compared too.
func OrderingKeys(association, person string) (first, last int64) {
	first = int64(uint64(hash32(association, person)) << 32) //nolint:gosec // as in OrderingKey
	return first, first | (1<<32 - 1)
}

// hash32 hashes two texts, of which the first holds no NUL.
func hash32(a, b string) uint32 {
	var room [MaxPerson + 130]byte
	sum := sha256.Sum256(append(append(append(room[:0], a...), 0), b...))
	return binary.BigEndian.Uint32(sum[:])
}
