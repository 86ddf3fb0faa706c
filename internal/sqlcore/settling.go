package sqlcore

import (
	"encoding/hex"

	"github.com/amsbridge/amsbridge/outbox"
)

// Bounds of what a platform's words may take in the log.
const (
	maxCode   = 64
	maxDetail = 4096
	maxBy     = 64
)

// settling is a settlement, or another log entry, as a statement takes it.
type settling struct {
	I         int       `json:"i"`
	ID        outbox.ID `json:"id"`
	N         int       `json:"n"`
	State     uint8     `json:"state"`
	Outcome   uint8     `json:"outcome"`
	Delay     int64     `json:"delay"`
	TookUS    int64     `json:"took_us"`
	Counted   int       `json:"counted"`
	NotReady  int       `json:"not_ready"`
	Doubt     uint8     `json:"doubt"`
	Duplicate int       `json:"duplicate"`
	Seq       int64     `json:"seq"`
	Unlogged  int       `json:"unlogged"`
	Code      string    `json:"code"`
	Reason    string    `json:"reason"`
	Detail    string    `json:"detail"`
	Receipt   *string   `json:"receipt"`
	Releases  string    `json:"releases"`
	By        string    `json:"sender"`
}

var settleColumns = []column{
	{"i", kindInt},
	{"id", kindInt},
	{"state", kindInt},
	{"outcome", kindInt},
	{"delay", kindInt},
	{"took_us", kindInt},
	{"counted", kindInt},
	{"not_ready", kindInt},
	{"doubt", kindInt},
	{"seq", kindInt},
	{"unlogged", kindInt},
	{"code", kindText},
	{"reason", kindText},
	{"detail", kindText},
	{"receipt", kindBytes},
	{"releases", kindText},
	{"sender", kindText},
}

// logColumns are those of an entry in the log, as "log" takes them.
var logColumns = []column{
	{"id", kindInt},
	{"n", kindInt},
	{"took_us", kindInt},
	{"outcome", kindInt},
	{"state", kindInt},
	{"duplicate", kindInt},
	{"doubt", kindInt},
	{"seq", kindInt},
	{"code", kindText},
	{"reason", kindText},
	{"detail", kindText},
	{"receipt", kindBytes},
	{"releases", kindText},
	{"sender", kindText},
}

// attemptColumns are those of an entry in the log.
const attemptColumns = "message_id, n, at, took_us, outcome, state, duplicate, doubt, seq, " +
	"code, reason, detail, receipt, releases, sender"

// newSettling is a settlement with the doubt that it adds.
func newSettling(st outbox.Settlement) (settling, error) {
	r := settling{
		ID: st.Message.ID, State: uint8(st.State), Outcome: uint8(st.Outcome),
		Delay: st.Delay.Microseconds(), TookUS: st.Took.Microseconds(), Counted: asInt(!st.Deferred),
		NotReady: asInt(st.Outcome == outbox.OutcomeNotReady), Seq: st.Seq, Unlogged: asInt(st.Unlogged),
		Code: outbox.CutText(st.Code, maxCode), Reason: outbox.CutText(st.Reason, outbox.MaxReason),
		Detail: outbox.CutText(st.Detail, maxDetail), By: outbox.CutText(st.By, maxBy),
	}
	if st.Receipt != nil {
		receipt := hex.EncodeToString(st.Receipt)
		r.Receipt = &receipt
	}
	if st.Outcome == outbox.OutcomeUnknown {
		r.Doubt |= uint8(outbox.DoubtUnknown)
	}
	if st.Partly {
		r.Doubt |= uint8(outbox.DoubtPartly)
	}
	if len(st.Releases) == 0 {
		return r, nil
	}
	var err error
	r.Releases, err = jsonText(st.Releases)
	return r, err
}

func newSettlings(batch []outbox.Settlement) ([]settling, error) {
	all := make([]settling, len(batch))
	for i, st := range batch {
		var err error
		if all[i], err = newSettling(st); err != nil {
			return nil, err
		}
		all[i].I = i
	}
	return all, nil
}

func asInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
