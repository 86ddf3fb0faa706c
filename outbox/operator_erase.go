package outbox

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/amsbridge/amsbridge/internal/check"
)

// minEraseKey is the shortest key, in bytes, whose pseudonyms nobody can try out.
const minEraseKey = 32

// Erase removes a person of an association (empty for none) from the record, by their shared user ID,
// and returns how many messages it changed. In every message of theirs, of all destinations of that
// association, a pseudonym replaces the user ID; facts, scope, profile, receipt and the texts of
// attempts are emptied, and messages still in the queue are discarded. The order and line IDs and the
// keys stay, so that an order which is reported again is still a duplicate and does not bring the
// person back. The action is recorded with the pseudonym in place of the user ID.
//
// The pseudonym is "erased-" and 16 bytes, in hexadecimal, of the HMAC-SHA-256 of association and user ID
// with [OperatorConfig].EraseKey. The same person always gets the same one, and without the key nobody can
// compute it from a list of user IDs. Destroying the key makes that final.
//
// It is still a pseudonym, not anonymity. The order ID leads anyone with the shop's orders to the
// person. A key is a hash of order, line and user ID, against which a list of user IDs can be tried, and
// so are the seats' hashes in an order's last entry, which is kept for ever.
//
// Not changed are the texts that operators entered (their reasons must hold no personal data; one that
// holds the user ID is refused here), the logs of the shop's own programs, the database's own log and
// backups, the store and audit of hand-offs (package sqlreplay), and the data at the platforms: ask
// them to erase it.
//
// While one of the person's messages is being delivered, nothing is changed and [ErrInFlight] is
// returned: try again. Messages inserted for the person afterwards are not erased: erase the person in
// the shop first. Erase may be called again at any time. Other errors: *amsbridge.InputError, the
// context's error, or the database's.
func (o *Operator) Erase(ctx context.Context, actor Actor, association, person, reason string) (int, error) {
	if err := signed(&actor, &reason); err != nil {
		return 0, err
	}
	switch {
	case len(o.cfg.EraseKey.bytes()) == 0:
		return 0, check.Bad("outbox", "OperatorConfig.EraseKey", "is not set")
	case association != "" && destinationProblem("x/"+association) != "":
		return 0, check.Bad("outbox", "association", "is not of the form [A-Za-z0-9._-]{1,64}")
	case person == "":
		return 0, check.Bad("outbox", "person", "is empty")
	case len(person) > MaxPerson:
		return 0, check.Bad("outbox", "person", "is longer than 255 bytes")
	case names(reason, person):
		return 0, check.Bad("outbox", "reason", "holds the user ID, which is to be forgotten")
	}
	return o.store.Erase(ctx, Erasure{
		Actor: actor, Reason: reason, Person: person, Association: association, Pseudonym: o.pseudonym(association, person),
	})
}

func (o *Operator) pseudonym(association, person string) string {
	mac := hmac.New(sha256.New, o.cfg.EraseKey.bytes())
	mac.Write([]byte("amsbridge: erased person\x00" + association + "\x00" + person)) // never fails
	return "erased-" + hex.EncodeToString(mac.Sum(nil)[:16])
}

// names tells whether a text holds an ID as a word of its own.
func names(text, id string) bool {
	part := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for {
		at := strings.Index(text, id)
		if at < 0 {
			return false
		}
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[at+len(id):])
		if !part(before) && !part(after) {
			return true
		}
		text = text[at+1:]
	}
}
