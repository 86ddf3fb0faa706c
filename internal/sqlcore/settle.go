package sqlcore

import (
	"context"
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
	Lane      int64     `json:"lane"`
	Token     string    `json:"token"`
	N         int       `json:"n"`
	State     uint8     `json:"state"`
	Outcome   uint8     `json:"outcome"`
	Delay     int64     `json:"delay"`
	TookUS    int64     `json:"took_us"`
	GivenBack int       `json:"given_back"`
	NotReady  int       `json:"not_ready"`
	Doubt     uint8     `json:"doubt"`
	Doubted   uint8     `json:"doubted"` // the doubt that the sender was told of
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
	{"id", kindInt},
	{"lane", kindInt},
	{"token", kindBytes},
	{"n", kindInt},
	{"state", kindInt},
	{"outcome", kindInt},
	{"delay", kindInt},
	{"took_us", kindInt},
	{"given_back", kindInt},
	{"not_ready", kindInt},
	{"doubt", kindInt},
	{"duplicate", kindInt},
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

// grip is what finds a leased row.
type grip struct {
	ID    outbox.ID `json:"id"`
	Lane  int64     `json:"lane"`
	Token string    `json:"token"`
}

var gripColumns = []column{
	{"id", kindInt},
	{"lane", kindInt},
	{"token", kindBytes},
}

func grips(rows []settling) []grip {
	out := make([]grip, len(rows))
	for i, r := range rows {
		out[i] = grip{r.ID, r.Lane, r.Token}
	}
	return out
}

// newSettling is a settlement with the doubt that it adds.
func newSettling(st outbox.Settlement) (settling, error) {
	r := settling{
		ID: st.Message.ID, Lane: st.Message.OrderingKey(), Token: st.Token.String(), State: uint8(st.State), Outcome: uint8(st.Outcome),
		Delay: st.Delay.Microseconds(), TookUS: st.Took.Microseconds(), GivenBack: asInt(st.Deferred),
		NotReady: asInt(st.Outcome == outbox.OutcomeNotReady), Doubted: uint8(st.Message.Doubt), Seq: st.Seq,
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
		all[i].I, all[i].Unlogged = i, asInt(st.Unlogged)
	}
	return all, nil
}

// Settle records outcomes in one transaction, or on SQLite in several of at
// most 90 messages, so that checkouts never wait long for it.
func (s *Store) Settle(ctx context.Context, batch []outbox.Settlement) ([]outbox.ID, error) {
	var acked []outbox.ID
	for len(batch) > 0 {
		n := distinct(batch[:min(len(batch), s.d.most)])
		var part []outbox.ID
		err := s.inTx(ctx, "", func(q Conn) (err error) {
			part, err = s.settle(ctx, q, batch[:n])
			return err
		})
		if err != nil {
			return acked, s.failed("settle", err)
		}
		acked, batch = append(acked, part...), batch[n:]
	}
	return acked, nil
}

// distinct counts the settlements before the first one of a message that was
// named already: of two leases of it one is lost, and each is compared by
// itself.
func distinct(batch []outbox.Settlement) int {
	seen := make(map[outbox.ID]bool, len(batch))
	for i, st := range batch {
		if seen[st.Message.ID] {
			return i
		}
		seen[st.Message.ID] = true
	}
	return len(batch)
}

func (s *Store) settle(ctx context.Context, q Conn, batch []outbox.Settlement) ([]outbox.ID, error) {
	held, err := s.d.settle(ctx, s, q, batch)
	if err != nil {
		return nil, err
	}
	var acked []outbox.ID
	var then []outbox.Message
	effects := effects{}
	for i, st := range batch {
		if !held[i] {
			continue
		}
		if err := outbox.CheckMessages(st.Then); err != nil {
			return nil, err
		}
		acked = append(acked, st.Message.ID)
		then = append(then, st.Then...)
		effects.add(st)
	}
	if err := s.endOthers(ctx, q, batch, held); err != nil {
		return nil, err
	}
	if len(then) > 0 {
		if _, err := s.insert(ctx, q, then); err != nil {
			return nil, err
		}
	}
	return acked, effects.apply(ctx, s, q)
}

// settlePlain locks the rows first and then writes by one statement for each
// purpose, where one cannot do it all.
func settlePlain(ctx context.Context, s *Store, q Conn, batch []outbox.Settlement) (held []bool, err error) {
	all, err := newSettlings(batch)
	if err != nil {
		return nil, err
	}
	locked, err := s.lockLeased(ctx, q, all)
	if err != nil {
		return nil, err
	}
	held = make([]bool, len(batch))
	var kept, gone, logged []settling
	for i, r := range all {
		h, ok := locked[r.ID]
		if !ok {
			continue
		}
		held[i] = true
		r.N, r.Doubt, r.Duplicate, r.Seq = h.N, h.Doubt|r.Doubt, asInt(h.Doubt != 0), max(h.Seq, r.Seq)
		if outbox.State(r.State).Final() {
			gone = append(gone, r)
		} else {
			kept = append(kept, r)
		}
		if r.Unlogged == 0 {
			logged = append(logged, r)
		}
	}
	if len(gone) > 0 {
		args, err := s.d.withRowsLast(gripColumns, grips(gone))
		if err != nil {
			return nil, err
		}
		if err := later(ctx, q, s.sql["settle delete"], args...); err != nil {
			return nil, err
		}
	}
	if err := s.withRows(ctx, q, "settle keep", s.now(), kept); err != nil {
		return nil, err
	}
	return held, s.log(ctx, q, s.now(), logged)
}

// lockLeased locks the rows whose token is still the current one.
func (s *Store) lockLeased(ctx context.Context, q Conn, all []settling) (map[outbox.ID]settling, error) {
	args, err := s.d.withRowsLast(gripColumns, grips(all))
	if err != nil {
		return nil, err
	}
	held := make(map[outbox.ID]settling, len(all))
	err = each(ctx, q, func(r Rows) error {
		var h settling
		if err := r.Scan(&h.ID, &h.N, &h.Doubt, &h.Seq); err != nil {
			return err
		}
		held[h.ID] = h
		return nil
	}, s.sql["lock leased"], args...)
	return held, err
}

// withRows runs a statement on rows, if there are any.
func (s *Store) withRows(ctx context.Context, q Conn, statement string, now any, rows []settling) error {
	if len(rows) == 0 {
		return nil
	}
	args, err := s.d.withRowsLast(settleColumns, rows, now)
	if err != nil {
		return err
	}
	return later(ctx, q, s.sql[statement], args...)
}

func (s *Store) log(ctx context.Context, q Conn, now any, rows []settling) error {
	if s.d.folder == MySQL {
		return s.logMySQL(ctx, q, now, rows)
	}
	return s.withRows(ctx, q, "log", now, rows)
}
