package sqlcore

import (
	"context"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// handing is who takes new messages of this process.
type handing struct {
	session outbox.SessionID
	shards  uint64
	begin   func(outbox.SessionID, []outbox.Handed)
}

// HandOver has new messages stamped and handed over, on PostgreSQL alone: what a statement inserted is known
// there to be undone only with the whole transaction.
func (s *Store) HandOver(id outbox.SessionID, shards uint64, begin func(outbox.SessionID, []outbox.Handed)) {
	var h *handing
	if shards != 0 && s.d.stamped {
		h = &handing{id, shards, begin}
	}
	s.handing.Store(h)
}

// Handover is what a transaction of the shop has inserted that is to be handed over.
type Handover struct {
	to     *handing
	handed []outbox.Handed
}

// Committed hands over what was inserted. Where the outcome of COMMIT is unknown, surely is false.
func (h *Handover) Committed(surely bool) {
	if h.to == nil {
		return
	}
	for i := range h.handed {
		h.handed[i].Committed = surely
	}
	h.to.begin(h.to.session, h.handed)
}

// Committing is a transaction of the shop whose COMMIT is known of.
type Committing interface{ Handover() *Handover }

// handover returns what hands over a message of an ordering key that is to be inserted, or nil.
func (s *Store) handover(tx Conn, key int64) *Handover {
	c, ok := tx.(Committing)
	if !ok {
		return nil
	}
	h, to := c.Handover(), s.handing.Load()
	if h == nil || to == nil || to.shards>>uint(outbox.ShardOf(key))&1 == 0 { //nolint:gosec // below 64
		return nil
	}
	if h.to == nil {
		h.to = to
	}
	if h.to.session != to.session {
		return nil
	}
	return h
}

// appendHandedText is appendOneText for a message that is to be stamped with the session ?23: if it may be sent before
// anything else, since the queue has no other of its ordering key and its destination is open. It tells whether that
// is so, and whether the store has no other message of its ordering key. Under SERIALIZABLE it reads nothing, so as to
// conflict with nobody.
func appendHandedText() string {
	return appendOneText(
		", xmin::text::bigint = txid_current() & 4294967295 AND current_setting('transaction_isolation') = 'read committed' AS own",
		`f AS MATERIALIZED (SELECT CASE WHEN m.own THEN NOT EXISTS (SELECT 1 FROM amsbridge_queue w WHERE w.ordering_key = ?9::bigint)
		AND NOT EXISTS (SELECT 1 FROM amsbridge_destination g WHERE g.name = ?11::bytea AND `+closedIf("{now}", "0")+`)
		AND NOT `+everythingPaused+` ELSE false END AS first FROM m),
`, ", stamp", ", CASE WHEN (SELECT first FROM f) THEN ?23::bigint ELSE 0 END") + `
SELECT e.created_at, COALESCE(m.id, 0), COALESCE(f.first, false),
	CASE WHEN f.first THEN NOT EXISTS (SELECT 1 FROM amsbridge_message w WHERE w.ordering_key = ?9::bigint) ELSE false END
FROM e LEFT JOIN m ON true LEFT JOIN f ON true`
}

// appendHanded is appendOne for a message that is to be handed over.
func appendHanded(ctx context.Context, s *Store, tx Conn, e entryRow, b insertion, h *Handover) (bool, error) {
	m := outbox.Handed{Message: b.msgs[0], Asked: time.Now()}
	var created int64
	first := false
	args := append(e.args(s), b.only()...)
	found, err := one(ctx, tx, []any{&created, &m.ID, &first, &m.Alone}, s.sql["append handed"],
		append(args, b.msgs[0].Profile, h.to.session)...)
	if err == nil && first {
		m.Created = fromMicro(created)
		h.handed = append(h.handed, m)
	}
	return found, err
}
