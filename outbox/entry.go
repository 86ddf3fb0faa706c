package outbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Entry is one version of what a producer of messages knows of a subject, such as an order. Entries are
// only inserted. The last one counts. It is never forgotten, nor is the first, whose number tells that
// the subject is known.
type Entry struct {
	// Association and Subject say what the entry is about, as in the subject's messages. Subject may be
	// empty.
	Association, Subject string
	// N numbers the entries of a subject from 1, without gaps.
	N int
	// Body is the producer's own: at most [MaxBody] bytes, without names, addresses and user IDs.
	Body []byte
	// Tasks are what a person must do about the subject, as of this entry; at most [MaxTasks]. They are
	// open as long as this is the last entry and nobody marked them done: see [Inspector.Tasks].
	Tasks []Task
	// Created is when it was stored; it is ignored on insertion.
	Created time.Time
	// Erased are the keys of the subject's messages whose person was erased. LastEntryTx sets it; it is
	// ignored on insertion.
	Erased []string
}

// Task is something about a subject that a person must do, and that no message stands for.
type Task struct {
	// ID is unique within the subject, at most 64 bytes. A task that several entries list is one.
	ID string `json:"id"`
	// Items are the parts of the subject that it is about: line IDs.
	Items []string `json:"items,omitempty"`
	// Text says what is to be done, in at most [MaxReason] bytes and without personal data.
	Text string `json:"text"`
	// New is set in the first entry that lists the task.
	New bool `json:"new,omitempty"`
}

// OpenTask is a task of a subject's last entry that nobody marked done.
type OpenTask struct {
	Association, Subject string
	// N is the number of the entry that lists it.
	N int
	Task
	// Since is when that entry was stored.
	Since time.Time
}

// EntryKey returns the 16 bytes under which a store keeps a subject's entries.
func EntryKey(association, subject string) []byte {
	sum := sha256.Sum256([]byte(association + "\x00" + subject))
	return sum[:16]
}

// CheckEntry returns an *amsbridge.InputError unless the entry may be stored. Stores call it before they
// write; other callers need not.
func CheckEntry(e Entry) error {
	bad := func(field, problem string) error { return check.Bad("outbox", "e."+field, problem) }
	switch {
	case e.Association != "" && destinationProblem("x/"+e.Association) != "":
		return bad("Association", "is not of the form [A-Za-z0-9._-]{1,64}")
	case len(e.Subject) > MaxSubject || !isText(e.Subject):
		return bad("Subject", "is longer than 255 bytes, not valid UTF-8 or has a NUL byte")
	case e.N < 1:
		return bad("N", "is below 1")
	case len(e.Body) > MaxBody:
		return bad("Body", "is longer than 8 MiB")
	case len(e.Tasks) > MaxTasks:
		return bad("Tasks", "are more than 10,000")
	}
	seen := make(map[string]bool, len(e.Tasks))
	for i, t := range e.Tasks {
		field := fmt.Sprintf("Tasks[%d]", i)
		switch {
		case t.ID == "" || len(t.ID) > 64 || seen[t.ID] || !isText(t.ID):
			return bad(field+".ID", "is empty, a duplicate, longer than 64 bytes, not valid UTF-8 or has a NUL byte")
		case t.Text == "" || len(t.Text) > MaxReason || !isText(t.Text):
			return bad(field+".Text", "is empty, longer than 1,000 bytes, not valid UTF-8 or has a NUL byte")
		case len(t.Items) > MaxItems:
			return bad(field+".Items", "has more than 10,000 entries")
		}
		seen[t.ID] = true
	}
	return nil
}

// isText tells whether a database can keep s as a text.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// AfterErasing returns the entry that follows this one when a person with messages about the subject is
// erased. Of those that waited it lists tasks, since nobody sends them any more. Stores append it to each
// subject of messages that have a [Message.Sequel], in the transaction that erases: whoever is about to
// append an entry, and has read whom it is about, meets its number then.
func (e Entry) AfterErasing(waiting []Message) Entry {
	e.N, e.Erased = e.N+1, nil
	e.Tasks = slices.Clone(e.Tasks)
	for i := range e.Tasks {
		e.Tasks[i].New = false
	}
	for _, m := range waiting {
		id := "erased-" + hex.EncodeToString(EntryKey(m.Destination, m.Key))[:20]
		if len(e.Tasks) == MaxTasks || slices.ContainsFunc(e.Tasks, func(t Task) bool { return t.ID == id }) {
			continue
		}
		e.Tasks = append(e.Tasks, Task{
			ID: id, Items: m.Items, New: true,
			Text: CutText("a person was erased while a message about them ("+m.Kind+", "+strings.Join(m.Items, ", ")+
				") waited for "+m.Destination+": end there by hand what it still has of them", MaxReason),
		})
	}
	return e
}
