package outbox_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

func requireField(t *testing.T, err error, field string) {
	t.Helper()
	if field == "" {
		require.NoError(t, err)
		return
	}
	var bad *check.InputError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, field, bad.Field)
	require.NotEmpty(t, bad.Problem)
}

func TestCheckDestination(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{
		"elevate":                            true,
		"elevate/acme":                       true,
		"e2/A.b_c-9":                         true,
		"7":                                  true,
		"elevate/" + strings.Repeat("x", 64): true,
		strings.Repeat("e", 128):             true,
		strings.Repeat("e", 63) + "/" + strings.Repeat("x", 64): true,
		"":                                   false,
		"Elevate":                            false,
		"elevate/":                           false,
		"/acme":                              false,
		"elevate/a/b":                        false,
		"elevate acme":                       false,
		"elevate\n":                          false,
		"elevate/acme\n":                     false,
		"elevate/ä":                          false,
		"elevate/a\x00":                      false,
		"elevate/" + strings.Repeat("x", 65): false,
		strings.Repeat("e", 129):             false,
	} {
		field := "destination"
		if good {
			field = ""
		}
		requireField(t, outbox.CheckDestination(name), field)
	}
}

func TestCheckMessagesNamesTheField(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("x", n+1) }
	for name, c := range map[string]struct {
		change func(*outbox.Message)
		field  string
	}{
		"good":                   {func(*outbox.Message) {}, ""},
		"no destination":         {func(m *outbox.Message) { m.Destination = "" }, "Destination"},
		"bad destination":        {func(m *outbox.Message) { m.Destination = "A" }, "Destination"},
		"no key":                 {func(m *outbox.Message) { m.Key = "" }, "Key"},
		"long key":               {func(m *outbox.Message) { m.Key = long(outbox.MaxKey) }, "Key"},
		"key of bad UTF-8":       {func(m *outbox.Message) { m.Key = "\xff" }, "Key"},
		"NUL in key":             {func(m *outbox.Message) { m.Key = "a\x00" }, "Key"},
		"no kind":                {func(m *outbox.Message) { m.Kind = "" }, "Kind"},
		"long kind":              {func(m *outbox.Message) { m.Kind = long(outbox.MaxKind) }, "Kind"},
		"no person":              {func(m *outbox.Message) { m.Person = "" }, "Person"},
		"long person":            {func(m *outbox.Message) { m.Person = long(outbox.MaxPerson) }, "Person"},
		"NUL in person":          {func(m *outbox.Message) { m.Person = "\x00" }, "Person"},
		"no subject":             {func(m *outbox.Message) { m.Subject = "" }, "Subject"},
		"long subject":           {func(m *outbox.Message) { m.Subject = long(outbox.MaxSubject) }, "Subject"},
		"long scope":             {func(m *outbox.Message) { m.Scope = long(outbox.MaxScope) }, "Scope"},
		"NUL in scope":           {func(m *outbox.Message) { m.Scope = "\x00" }, "Scope"},
		"long sequel":            {func(m *outbox.Message) { m.Sequel = long(outbox.MaxKind) }, "Sequel"},
		"long trace context":     {func(m *outbox.Message) { m.TraceContext = long(256) }, "TraceContext"},
		"NUL in trace context":   {func(m *outbox.Message) { m.TraceContext = "\x00" }, "TraceContext"},
		"no version":             {func(m *outbox.Message) { m.Version = 0 }, "Version"},
		"no facts":               {func(m *outbox.Message) { m.Facts = nil }, "Facts"},
		"long facts":             {func(m *outbox.Message) { m.Facts = make([]byte, outbox.MaxPayload+1) }, "Facts"},
		"long profile":           {func(m *outbox.Message) { m.Profile = make([]byte, outbox.MaxPayload+1) }, "Profile"},
		"longest payload":        {func(m *outbox.Message) { m.Facts = make([]byte, outbox.MaxPayload) }, ""},
		"too many items":         {func(m *outbox.Message) { m.Items = make([]string, outbox.MaxItems+1) }, "Items"},
		"too many key parts":     {func(m *outbox.Message) { m.KeyParts = make([]string, 101) }, "KeyParts"},
		"any bytes in the facts": {func(m *outbox.Message) { m.Facts, m.Profile = []byte("\x00\xff"), []byte("\xff\x00") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := msg("second", "U-2")
			c.change(&m)
			field := c.field
			if field != "" {
				field = "msgs[1]." + field
			}
			err := outbox.CheckMessages([]outbox.Message{msg("first", "U-1"), m})
			requireField(t, err, field)
			if err != nil {
				require.Less(t, len(err.Error()), 200, "an error does not hold the refused value")
			}
		})
	}
	requireField(t, outbox.CheckMessages(make([]outbox.Message, outbox.MaxMessages+1)), "msgs")
	require.NoError(t, outbox.CheckMessages(nil))
}

func TestQueryIsChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		q     outbox.Query
		field string
	}{
		"nothing":              {outbox.Query{}, "Query"},
		"destination alone":    {outbox.Query{Destination: "elevate", AfterID: 1, Limit: 1}, "Query"},
		"subject":              {outbox.Query{Subject: "o"}, ""},
		"person":               {outbox.Query{Person: "U-1"}, ""},
		"of an association":    {outbox.Query{Person: "U-1", Association: "acme"}, ""},
		"order of one":         {outbox.Query{Subject: "o", Association: "acme"}, ""},
		"association alone":    {outbox.Query{Keys: []string{"k"}, Association: "acme"}, "Query.Association"},
		"scope":                {outbox.Query{Destination: "elevate", Person: "U-1", Scope: "p"}, ""},
		"scope anywhere":       {outbox.Query{Person: "U-1", Scope: "p"}, ""},
		"scope alone":          {outbox.Query{Scope: "p"}, "Query"},
		"reason alone":         {outbox.Query{Reason: "r"}, "Query"},
		"scope of a day":       {outbox.Query{Scope: "p", CreatedFrom: time.Unix(1, 0), CreatedTo: time.Unix(2, 0)}, ""},
		"until a day":          {outbox.Query{CreatedTo: time.Unix(2, 0)}, "Query"},
		"a day backwards":      {outbox.Query{CreatedFrom: time.Unix(2, 0), CreatedTo: time.Unix(1, 0)}, "Query.CreatedTo"},
		"failed that day":      {outbox.Query{FailedFrom: time.Unix(1, 0), FailedTo: time.Unix(2, 0)}, ""},
		"failed until then":    {outbox.Query{Subject: "o", FailedTo: time.Unix(2, 0)}, "Query.FailedTo"},
		"IDs":                  {outbox.Query{IDs: []outbox.ID{1}}, ""},
		"keys":                 {outbox.Query{Keys: []string{"k"}}, ""},
		"states":               {outbox.Query{States: []outbox.State{outbox.StatePending, outbox.StateWithdrawn}}, ""},
		"state that is none":   {outbox.Query{States: []outbox.State{outbox.StateWithdrawn + 1}}, "Query.States"},
		"largest limit":        {outbox.Query{Subject: "o", Limit: 10_000}, ""},
		"larger limit":         {outbox.Query{Subject: "o", Limit: 10_001}, "Query.Limit"},
		"negative limit":       {outbox.Query{Subject: "o", Limit: -1}, "Query.Limit"},
		"too many IDs":         {outbox.Query{IDs: make([]outbox.ID, 10_001)}, "Query.IDs"},
		"too many keys":        {outbox.Query{Keys: make([]string, 10_001)}, "Query.Keys"},
		"as many as there may": {outbox.Query{IDs: make([]outbox.ID, 10_000), Keys: make([]string, 10_000)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireField(t, c.q.Check(), c.field)
		})
	}
}

func TestCutText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 5, ""},
		{"hello", 5, "hello"},
		{"hello!", 5, "hello"},
		{"héllo", 2, "h"},
		{"héllo", 3, "hé"},
		{"😀😀", 7, "😀"},
		{"😀", 3, ""},
		{"a", 0, ""},
		{"a\x00b\x1b[31m\x7f", 20, "a b [31m "},
		{"a\r\nb\tc", 20, "a \nb\tc"},
		{"a\xff\xfeb", 20, "a\ufffdb"},
		{"\xff\xff", 2, ""},
		{"a\xff", 3, "a"},
	} {
		require.Equal(t, c.want, outbox.CutText(c.in, c.limit), "%q at %d", c.in, c.limit)
	}
}

func FuzzCutText(f *testing.F) {
	for _, seed := range []string{"", "hello", "\xff\xfe", "😀\x00\n", "a\xe2\x80", strings.Repeat("é", 300)} {
		f.Add(seed, uint16(3))
		f.Add(seed, uint16(0))
		f.Add(seed, uint16(1000))
	}
	f.Fuzz(func(t *testing.T, s string, n uint16) {
		got := outbox.CutText(s, int(n))
		require.LessOrEqual(t, len(got), int(n))
		require.True(t, utf8.ValidString(got))
		require.False(t, strings.ContainsFunc(got, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }))
		require.Equal(t, got, outbox.CutText(got, int(n)), "once is enough")
		require.True(t, strings.HasPrefix(outbox.CutText(s, 3*len(s)), got), "it only cuts the end")
	})
}

// FuzzCheckDestination asks that a name taken is one that can be read aloud.
func FuzzCheckDestination(f *testing.F) {
	for _, seed := range []string{"elevate", "elevate/acme", "Elevate", "a/b/c", "a\n", "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if outbox.CheckDestination(name) != nil {
			return
		}
		require.LessOrEqual(t, len(name), 128)
		require.Regexp(t, `\A[a-z0-9]+(/[A-Za-z0-9._-]{1,64})?\z`, name)
	})
}
