package outbox_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

func TestCheckEntryNamesTheField(t *testing.T) {
	t.Parallel()
	task := func(change func(*outbox.Task)) func(*outbox.Entry) {
		return func(e *outbox.Entry) {
			bad := outbox.Task{ID: "t2", Text: "whose?"}
			change(&bad)
			e.Tasks = []outbox.Task{{ID: "t1", Text: "whose?"}, bad}
		}
	}
	for name, c := range map[string]struct {
		change func(*outbox.Entry)
		field  string
	}{
		"good":                {func(*outbox.Entry) {}, ""},
		"no subject":          {func(e *outbox.Entry) { e.Subject = "" }, ""},
		"no association":      {func(e *outbox.Entry) { e.Association = "" }, ""},
		"bad association":     {func(e *outbox.Entry) { e.Association = "a/b" }, "Association"},
		"long subject":        {func(e *outbox.Entry) { e.Subject = strings.Repeat("x", outbox.MaxSubject+1) }, "Subject"},
		"subject of no text":  {func(e *outbox.Entry) { e.Subject = "\xff" }, "Subject"},
		"NUL in subject":      {func(e *outbox.Entry) { e.Subject = "a\x00" }, "Subject"},
		"number zero":         {func(e *outbox.Entry) { e.N = 0 }, "N"},
		"longest body":        {func(e *outbox.Entry) { e.Body = make([]byte, outbox.MaxBody) }, ""},
		"longer body":         {func(e *outbox.Entry) { e.Body = make([]byte, outbox.MaxBody+1) }, "Body"},
		"too many tasks":      {func(e *outbox.Entry) { e.Tasks = make([]outbox.Task, outbox.MaxTasks+1) }, "Tasks"},
		"task":                {task(func(*outbox.Task) {}), ""},
		"task without ID":     {task(func(t *outbox.Task) { t.ID = "" }), "Tasks[1].ID"},
		"task twice":          {task(func(t *outbox.Task) { t.ID = "t1" }), "Tasks[1].ID"},
		"long task ID":        {task(func(t *outbox.Task) { t.ID = strings.Repeat("x", 65) }), "Tasks[1].ID"},
		"NUL in task ID":      {task(func(t *outbox.Task) { t.ID = "\x00" }), "Tasks[1].ID"},
		"task without text":   {task(func(t *outbox.Task) { t.Text = "" }), "Tasks[1].Text"},
		"long text":           {task(func(t *outbox.Task) { t.Text = strings.Repeat("x", outbox.MaxReason+1) }), "Tasks[1].Text"},
		"text of no text":     {task(func(t *outbox.Task) { t.Text = "\xff" }), "Tasks[1].Text"},
		"task with all items": {task(func(t *outbox.Task) { t.Items = make([]string, outbox.MaxItems) }), ""},
		"task of more items":  {task(func(t *outbox.Task) { t.Items = make([]string, outbox.MaxItems+1) }), "Tasks[1].Items"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := outbox.Entry{Association: "acme", Subject: "order", N: 1, Body: []byte("\x00\xff")}
			c.change(&e)
			field := c.field
			if field != "" {
				field = "e." + field
			}
			requireField(t, outbox.CheckEntry(e), field)
		})
	}
}

// Keys are stored: another way to make them would lose every order.
func TestEntryKeysStayAsTheyAre(t *testing.T) {
	t.Parallel()
	require.Equal(t, "6faee5543f715b77187d957cb9bb1c4b", hex.EncodeToString(outbox.EntryKey("acme", "1001")))
	seen := map[string]bool{}
	for _, association := range []string{"", "a", "acme"} {
		for _, subject := range []string{"", "a", "acme", "1001"} {
			key := outbox.EntryKey(association, subject)
			require.Len(t, key, 16)
			seen[string(key)] = true
		}
	}
	require.Len(t, seen, 12)
}
