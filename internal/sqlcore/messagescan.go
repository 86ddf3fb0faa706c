package sqlcore

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// messageScan reads messageColumns into a message; it may be used for one row
// after another.
type messageScan struct {
	into                                                   *outbox.Message
	id                                                     int64 // drivers are slow with types of others
	destination, key, kind, person, subject, scope, sequel text
	parts, items                                           text
	created                                                int64
}

func (s *messageScan) targets() []any {
	m := s.into
	return []any{
		&s.id, &s.destination, &s.key, &s.parts, &s.kind, &m.Version, &s.person, &s.subject, &s.items,
		&m.Facts, &s.scope, &s.sequel, &m.TraceContext, &s.created,
	}
}

func (s *messageScan) finish() (err error) {
	m := s.into
	m.ID, m.Destination, m.Key, m.Kind, m.Person, m.Subject = outbox.ID(s.id), string(s.destination), string(s.key), string(s.kind), string(s.person), string(s.subject)
	m.Scope, m.Sequel, m.Created = string(s.scope), string(s.sequel), fromMicro(s.created)
	if m.KeyParts, err = stringList(string(s.parts)); err != nil {
		return fmt.Errorf("key parts of message %d: %w", m.ID, err)
	}
	if m.Items, err = stringList(string(s.items)); err != nil {
		return fmt.Errorf("items of message %d: %w", m.ID, err)
	}
	return nil
}

// text is a string read from a column of bytes or of text, empty for NULL. The
// same one again costs nothing.
type text string

// ScanBytes is what pgx calls.
func (t *text) ScanBytes(v []byte) error {
	if string(v) != string(*t) {
		*t = text(v)
	}
	return nil
}

// Scan is what database/sql calls.
func (t *text) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*t = ""
	case []byte:
		return t.ScanBytes(v)
	case string:
		*t = text(v)
	default:
		return fmt.Errorf("a %T is no text", v)
	}
	return nil
}

// stringList reads a JSON array of strings. What this package wrote without any
// escapes, which is nearly all, is cut out of the text.
func stringList(from string) ([]string, error) {
	if from == "[]" {
		return []string{}, nil
	}
	inner, ok := strings.CutPrefix(from, `["`)
	if ok {
		inner, ok = strings.CutSuffix(inner, `"]`)
	}
	if ok && unescaped(inner) {
		list := strings.Split(inner, `","`)
		quotes := 0
		for _, one := range list {
			quotes += strings.Count(one, `"`)
		}
		if quotes == 0 {
			return list, nil
		}
	}
	var list []string
	err := json.Unmarshal([]byte(from), &list)
	return list, err
}

// unescaped tells whether JSON holds such a text as it is.
func unescaped(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}
