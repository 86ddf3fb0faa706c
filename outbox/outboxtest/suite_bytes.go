package outboxtest

import (
	"bytes"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

func byteClauses[Tx any]() []clause[Tx] {
	return []clause[Tx]{
		{"keys, persons and subjects are told apart byte by byte", (*env[Tx]).namesByBytes},
		{"every field arrives as it was given", (*env[Tx]).everyField},
		{"facts and profile are any bytes", (*env[Tx]).anyBytes},
		{"names of the greatest length are taken", (*env[Tx]).longestNames},
		{"names that a database cannot keep as they are, are refused", (*env[Tx]).namesRefused},
		{"texts of a settlement are made valid and cut", (*env[Tx]).textsAreCut},
		{"a sender's name and a pause's reason are made valid and cut", (*env[Tx]).otherTextsAreCut},
	}
}

// awkward names that a collation, a normalisation, a LIKE, a quoting or a JSON
// text would take for one another, or break.
var awkward = []string{
	"U-abc", "u-ABC", "U-abc ", " U-abc", "U-abc\u00a0", "U-abc\u200b", "u%abc", "u_abc", "*", "?", "null", "0", "00",
	"caf\u00e9", "cafe\u0301", "stra\u00dfe", "strasse", "\u0130", "I", "i", "\u0131", "\U0001f600", "\U0001f44d\U0001f3fd", "\u3042", "\u30a2",
	"O'Brien", "''", `"quoted"`, `back\slash`, `\u0041`, `\x00`, "$1", ":name", "a&b;c=d", "<b>", "a,b", "[1]", "{}", "--", "/*",
	"line\nbreak", "tab\there", "\r", "\x01\x1f\x7f", "\u2028", "\ufeff", "\ufffd",
}

func (s *env[Tx]) namesByBytes() {
	msgs := make([]outbox.Message, len(awkward))
	for i, name := range awkward {
		msgs[i] = push(name, name, func(m *outbox.Message) { m.Subject, m.Kind = name, name })
	}
	for i, in := range s.insert(msgs...) {
		require.False(s.t, in.Duplicate, "%q", awkward[i])
		for field, q := range map[string]outbox.Query{
			"key": {Keys: []string{awkward[i]}}, "person": {Person: awkward[i]}, "subject": {Subject: awkward[i]},
		} {
			found := s.find(q)
			require.Len(s.t, found, 1, "%s %q", field, awkward[i])
			require.Equal(s.t, in.ID, found[0].ID)
			require.Equal(s.t, awkward[i], found[0].Key)
			require.Equal(s.t, awkward[i], found[0].Person)
			require.Equal(s.t, awkward[i], found[0].Subject)
			require.Equal(s.t, awkward[i], found[0].Kind)
		}
	}
	for i, in := range s.insert(msgs...) {
		require.True(s.t, in.Duplicate, "%q", awkward[i])
	}
	require.ElementsMatch(s.t, awkward, waitingKeys(s.read()))
	require.Empty(s.t, s.find(outbox.Query{Person: "U-ABC"}))
}

func (s *env[Tx]) everyField() {
	m := outbox.Message{
		Destination: "elevate/Acme-1.x_y", Key: "k-1", KeyParts: awkward, Kind: "registration", Person: "U-1", Subject: "order-1",
		Items: append([]string{""}, awkward...), Facts: []byte("facts"), Profile: []byte("profile"),
		Version: 7, Scope: "product-1", Sequel: "take", TraceContext: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
	id := s.add(m)
	f := s.sends("k-1")
	for _, got := range []outbox.Message{f.sent[0].Message, s.one(id).Message} {
		require.Equal(s.t, id, got.ID)
		require.Equal(s.t, m.Destination, got.Destination)
		require.Equal(s.t, m.KeyParts, got.KeyParts)
		require.Equal(s.t, m.Kind, got.Kind)
		require.Equal(s.t, m.Person, got.Person)
		require.Equal(s.t, m.Subject, got.Subject)
		require.Equal(s.t, m.Items, got.Items)
		require.Equal(s.t, m.Facts, got.Facts)
		require.Equal(s.t, m.Version, got.Version)
		require.Equal(s.t, m.Scope, got.Scope)
		require.Equal(s.t, m.Sequel, got.Sequel)
		require.Equal(s.t, m.TraceContext, got.TraceContext)
		require.False(s.t, got.Created.IsZero())
	}
	require.Equal(s.t, m.Profile, f.sent[0].Profile)
	require.Equal(s.t, m.OrderingKey(), f.sent[0].OrderingKey())
}

func (s *env[Tx]) anyBytes() {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	payloads := [][]byte{
		all,
		{0},
		{0, 0, 0},
		[]byte("\xff\xfe\x00\xed\xa0\x80"), []byte(`{"b":1, "a":"\u0000","b":2}`), []byte(" "),
		[]byte(`\x41`), bytes.Repeat([]byte{'a', 0, 0x80, '\''}, outbox.MaxPayload/4),
	}
	for i, b := range payloads {
		key := string(rune('a' + i))
		id := s.add(push(key, "U-1", func(m *outbox.Message) { m.Facts, m.Profile = b, b }))
		f := s.sends(key)
		require.True(s.t, bytes.Equal(b, f.sent[0].Facts), "facts %d", i)
		require.True(s.t, bytes.Equal(b, f.sent[0].Profile), "profile %d", i)
		receipt := b[:min(len(b), 1000)]
		s.settled(f.end(0, outbox.StateDelivered, func(e *outbox.Settlement) { e.Receipt = receipt }))
		require.True(s.t, bytes.Equal(b, s.one(id).Facts), "kept facts %d", i)
		require.True(s.t, bytes.Equal(receipt, s.one(id).Receipt), "receipt %d", i)
	}
	s.add(push("none", "U-2", func(m *outbox.Message) { m.Profile = nil }))
	require.Empty(s.t, s.sends("none").sent[0].Profile)
}

func (s *env[Tx]) longestNames() {
	m := push(strings.Repeat("k", outbox.MaxKey), strings.Repeat("p", outbox.MaxPerson), func(m *outbox.Message) {
		m.Subject, m.Kind = strings.Repeat("s", outbox.MaxSubject), strings.Repeat("i", outbox.MaxKind)
		m.Destination = strings.Repeat("d", 63) + "/" + strings.Repeat("e", 64)
		m.Scope, m.Sequel = strings.Repeat("c", outbox.MaxScope), strings.Repeat("q", outbox.MaxKind)
	})
	s.add(m)
	got := s.sends(m.Key).sent[0]
	require.Equal(s.t, m.Destination, got.Destination)
	require.Equal(s.t, m.Person, got.Person)
	require.Equal(s.t, m.Subject, got.Subject)
	require.Equal(s.t, m.Kind, got.Kind)
	require.Equal(s.t, m.Scope, got.Scope)
	require.Equal(s.t, m.Sequel, got.Sequel)
}

func (s *env[Tx]) textsAreCut() {
	hostile := "\x00\xff<script>\x1b[31m" + strings.Repeat("\u20ac", 3000)
	id := s.add(push("a", "U-1"))
	f := s.sends("a")
	s.settled(f.end(0, outbox.StateParked, func(e *outbox.Settlement) { e.Code, e.Reason, e.Detail = hostile, hostile, hostile }))
	reason := outbox.CutText(hostile, outbox.MaxReason)
	require.Equal(s.t, reason, s.one(id).Reason)
	log := s.attempts(id)
	require.Len(s.t, log, 1)
	require.Equal(s.t, reason, log[0].Reason)
	require.Equal(s.t, outbox.CutText(hostile, 4096), log[0].Detail)
	require.Equal(s.t, outbox.CutText(hostile, 64), log[0].Code)
}

func (s *env[Tx]) namesRefused() {
	s.add(push("a", "U-1"))
	for name, field := range map[string]func(*outbox.Message) *string{
		"Key":          func(m *outbox.Message) *string { return &m.Key },
		"Person":       func(m *outbox.Message) *string { return &m.Person },
		"Subject":      func(m *outbox.Message) *string { return &m.Subject },
		"Kind":         func(m *outbox.Message) *string { return &m.Kind },
		"Scope":        func(m *outbox.Message) *string { return &m.Scope },
		"Sequel":       func(m *outbox.Message) *string { return &m.Sequel },
		"TraceContext": func(m *outbox.Message) *string { return &m.TraceContext },
	} {
		for _, value := range []string{"a\x00", "\x00", "\x00a", "a\xff", "\xed\xa0\x80"} {
			m := push("b", "U-2")
			*field(&m) = value
			s.inTx(func(tx Tx) {
				var bad *check.InputError
				_, err := s.Store.InsertTx(s.t.Context(), tx, push("c", "U-2"), m)
				require.ErrorAs(s.t, err, &bad)
				require.Equal(s.t, "msgs[1]."+name, bad.Field, "%q", value)
			})
		}
	}
	require.Len(s.t, s.all(), 1)
}

func (s *env[Tx]) otherTextsAreCut() {
	hostile := "\x00\xff\x1b[31m" + strings.Repeat("\u20ac", 3000)
	id := s.add(push("a", "U-1"))
	f := s.begin("a")
	s.settled(f.end(0, outbox.StatePending, pause, func(e *outbox.Settlement) { e.By, e.Pause = hostile, hostile }))
	log := s.attempts(id)
	require.Len(s.t, log, 1)
	require.Equal(s.t, outbox.CutText(hostile, 64), log[0].By)
	require.Equal(s.t, outbox.CutText(hostile, outbox.MaxReason), s.destination("elevate").Reason)
}
