package sqlcore

import (
	"context"
	"encoding/hex"
	"slices"

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
	Duplicate int       `json:"duplicate"`
	Unlogged  int       `json:"unlogged"`
	Code      string    `json:"code"`
	Reason    string    `json:"reason"`
	Detail    string    `json:"detail"`
	Receipt   *string   `json:"receipt"`
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
	{"code", kindText},
	{"reason", kindText},
	{"detail", kindText},
	{"receipt", kindBytes},
	{"sender", kindText},
}

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

func newSettling(st outbox.Settlement) settling {
	r := settling{
		ID: st.Message.ID, Lane: st.Message.OrderingKey(), Token: st.Token.String(), State: uint8(st.State), Outcome: uint8(st.Outcome),
		Delay: st.Delay.Microseconds(), TookUS: st.Took.Microseconds(), GivenBack: asInt(st.Deferred),
		NotReady: asInt(st.Outcome == outbox.OutcomeNotReady),
		Code:     outbox.CutText(st.Code, maxCode), Reason: outbox.CutText(st.Reason, outbox.MaxReason),
		Detail: outbox.CutText(st.Detail, maxDetail), By: outbox.CutText(st.By, maxBy),
	}
	if st.Receipt != nil {
		receipt := hex.EncodeToString(st.Receipt)
		r.Receipt = &receipt
	}
	return r
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
	held, followers, err := s.d.settle(ctx, s, q, batch)
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
		acked = append(acked, st.Message.ID)
		then = append(then, st.Then...)
		effects.add(st)
	}
	if err := s.insertThen(ctx, q, then); err != nil {
		return nil, err
	}
	if err := effects.apply(ctx, s, q); err != nil {
		return nil, err
	}
	if !followers && len(then) == 0 {
		return acked, nil
	}
	return acked, s.followIfAny(ctx, q)
}

// settlePlain locks the rows first and then writes by one statement for each
// purpose, where one cannot do it all. Of followers it does not tell.
func settlePlain(ctx context.Context, s *Store, q Conn, batch []outbox.Settlement) (held []bool, followers bool, err error) {
	all := make([]settling, len(batch))
	for i, st := range batch {
		all[i] = newSettling(st)
	}
	locked, err := s.lockLeased(ctx, q, all)
	if err != nil {
		return nil, false, err
	}
	held = make([]bool, len(batch))
	var kept, gone, logged []settling
	for i, st := range batch {
		h, ok := locked[st.Message.ID]
		if !ok {
			continue
		}
		held[i] = true
		r := all[i]
		r.N, r.Doubt = h.N, h.Doubt
		r.Duplicate = asInt(h.Doubt != 0)
		if st.Outcome == outbox.OutcomeUnknown {
			r.Doubt |= uint8(outbox.DoubtUnknown)
		}
		if st.State.Final() {
			gone = append(gone, r)
		} else {
			kept = append(kept, r)
		}
		if !st.Unlogged {
			logged = append(logged, r)
		}
	}
	if len(gone) > 0 {
		args, err := s.d.withRowsLast(gripColumns, grips(gone))
		if err != nil {
			return nil, false, err
		}
		if err := later(ctx, q, s.sql["settle delete"], args...); err != nil {
			return nil, false, err
		}
	}
	if err := s.withRows(ctx, q, "settle keep", s.now(), kept); err != nil {
		return nil, false, err
	}
	return held, true, s.log(ctx, q, s.now(), logged)
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
		if err := r.Scan(&h.ID, &h.N, &h.Doubt); err != nil {
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

// insertThen stores follow-ups whose keys do not exist; of two with one key,
// from two settlements, the first.
func (s *Store) insertThen(ctx context.Context, q Conn, then []outbox.Message) error {
	seen := map[string]bool{}
	then = slices.DeleteFunc(then, func(m outbox.Message) bool {
		place := m.Destination + "\x00" + m.Key
		defer func() { seen[place] = true }()
		return seen[place]
	})
	if len(then) == 0 {
		return nil
	}
	if err := outbox.CheckMessages(then); err != nil {
		return err
	}
	b, err := newInsertion(then)
	if err != nil {
		return err
	}
	found, err := s.existing(ctx, q, b.rows)
	if err != nil || len(found) == len(b.rows) {
		return err
	}
	var fresh []outbox.Message
	for i, m := range then {
		if _, exists := found[i]; !exists {
			fresh = append(fresh, m)
		}
	}
	if b, err = newInsertion(fresh); err != nil {
		return err
	}
	_, err = s.d.insert(ctx, s, q, b)
	return err
}

// followIfAny looks after followers where there are any.
func (s *Store) followIfAny(ctx context.Context, q Conn) error {
	var some bool
	if _, err := one(ctx, q, []any{&some}, s.sql["followers"]); err != nil || !some {
		return err
	}
	return s.follow(ctx, q)
}
