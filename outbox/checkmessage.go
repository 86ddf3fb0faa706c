package outbox

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/amsbridge/amsbridge/internal/check"
)

var destinationForm = regexp.MustCompile(`^[a-z0-9]+(/[A-Za-z0-9._-]{1,64})?$`)

// maxDestination bounds the part of a destination's name before the slash too.
const maxDestination = 128

// CheckDestination returns an *amsbridge.InputError unless the name has the form
// [a-z0-9]+(/[A-Za-z0-9._-]{1,64})? and at most 128 bytes.
func CheckDestination(destination string) error {
	if problem := destinationProblem(destination); problem != "" {
		return check.Bad("outbox", "destination", problem)
	}
	return nil
}

func destinationProblem(name string) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > maxDestination:
		return "is longer than 128 bytes"
	case !destinationForm.MatchString(name):
		return "is not of the form [a-z0-9]+(/[A-Za-z0-9._-]{1,64})?"
	}
	return ""
}

// CheckMessages returns an *amsbridge.InputError for the first message that may not be inserted. Stores
// call it before they write; other callers need not.
func CheckMessages(msgs []Message) error { return checkMessages("msgs", msgs) }

// checkMessages names the messages by where the caller has them.
func checkMessages(path string, msgs []Message) error {
	if len(msgs) > MaxMessages {
		return check.Bad("outbox", path, fmt.Sprintf("has more than %d messages", MaxMessages))
	}
	for i := range msgs {
		if err := msgs[i].check(); err != nil {
			err.Field = fmt.Sprintf("%s[%d].%s", path, i, err.Field)
			return err
		}
	}
	return nil
}

func (m *Message) check() *check.InputError {
	if problem := destinationProblem(m.Destination); problem != "" {
		return check.Bad("outbox", "Destination", problem)
	}
	for _, f := range []struct {
		name, value string
		limit       int
		required    bool
	}{
		{"Key", m.Key, MaxKey, true},
		{"Kind", m.Kind, MaxKind, true},
		{"Person", m.Person, MaxPerson, true},
		{"Subject", m.Subject, MaxSubject, true},
		{"Scope", m.Scope, MaxScope, false},
		{"Sequel", m.Sequel, MaxKind, false},
		{"TraceContext", m.TraceContext, 256, false},
	} {
		switch {
		case f.required && f.value == "":
			return check.Bad("outbox", f.name, "is empty")
		case len(f.value) > f.limit:
			return check.Bad("outbox", f.name, fmt.Sprintf("is longer than %d bytes", f.limit))
		case !utf8.ValidString(f.value):
			return check.Bad("outbox", f.name, "is not valid UTF-8")
		case strings.ContainsRune(f.value, 0):
			return check.Bad("outbox", f.name, "has a NUL byte")
		}
	}
	switch {
	case m.Version < 1:
		return check.Bad("outbox", "Version", "is below 1")
	case len(m.Facts) == 0:
		return check.Bad("outbox", "Facts", "is empty")
	case len(m.Facts) > MaxPayload:
		return check.Bad("outbox", "Facts", "is longer than 1 MiB")
	case len(m.Profile) > MaxPayload:
		return check.Bad("outbox", "Profile", "is longer than 1 MiB")
	case len(m.Items) > MaxItems:
		return check.Bad("outbox", "Items", fmt.Sprintf("has more than %d entries", MaxItems))
	case len(m.KeyParts) > 100:
		return check.Bad("outbox", "KeyParts", "has more than 100 entries")
	}
	return nil
}

// CutText returns s as valid UTF-8 without control characters (line ends and tabs stay), cut to at most
// limit bytes at a character's end. Stores call it on every text that came from a platform.
func CutText(s string, limit int) string {
	if len(s) <= limit && cleanASCII(s) {
		return s // most of it, in a fraction of the time
	}
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.IsControl(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "�"))
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

func cleanASCII(s string) bool {
	for i := range len(s) {
		if b := s[i]; (b < ' ' && b != '\n' && b != '\t') || b > '~' {
			return false
		}
	}
	return true
}
