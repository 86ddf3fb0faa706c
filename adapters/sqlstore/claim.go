package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
)

// leasing is a row about to be leased, as a statement takes it.
type leasing struct {
	ID    outbox.ID `json:"id"`
	Lane  int64     `json:"lane"`
	Token *string   `json:"token"` // the one of the lost lease
	Lost  int       `json:"lost"`
	Doubt uint8     `json:"doubt"`
	N     int       `json:"n"`
}

var leaseColumns = []column{
	{"id", kindInt},
	{"lane", kindInt},
	{"token", kindBytes},
	{"lost", kindInt},
	{"doubt", kindInt},
	{"n", kindInt},
}

// candidate is a due row that may be leased.
type candidate struct {
	leasing
	outbox.Leased
	due     int64
	expired bool  // its last lease was lost
	doubted uint8 // its doubt before that
}

// lookout is what a look at one destination's due rows found.
type lookout struct {
	name               string
	due                bool
	pausing            outbox.Pausing
	heldUntil, probeAt int64
}

// Claim leases due messages in one short transaction; none is begun when
// nothing is due. Claims of all senders go one after another, under an
// advisory lock or SQLite's own, so two cannot lease one person's messages at
// once.
func (s *Store) Claim(ctx context.Context, req outbox.ClaimRequest) (outbox.Claim, error) {
	var claim outbox.Claim
	outs, now, followers, next, err := s.peek(ctx)
	if err != nil {
		return claim, fmt.Errorf("sqlstore: claim: %w", err)
	}
	claim.NextDue = min(max(time.Duration(next-now)*time.Microsecond, 0), outbox.MaxNextDue)
	if next == 0 {
		claim.NextDue = outbox.MaxNextDue
	}
	if !worthClaiming(outs, now, followers, req) {
		return claim, nil
	}
	claim.NextDue = 0
	var leased []candidate
	err = s.inTx(ctx, func(q querier) error {
		if s.d.claimLock != "" {
			if _, err := q.ExecContext(ctx, s.d.claimLock); err != nil {
				return err
			}
		}
		if followers {
			if err := s.follow(ctx, q); err != nil {
				return err
			}
		}
		for _, o := range outs {
			room := min(req.Room-len(leased), req.Slots-req.Holding[o.name])
			if req.Alone {
				room = min(room, 1-len(leased))
			}
			if !o.due || room <= 0 {
				continue
			}
			got, err := s.claimFrom(ctx, q, now, o, room, req, &claim)
			if err != nil {
				return err
			}
			leased = append(leased, got...)
		}
		return nil
	})
	if err != nil {
		return outbox.Claim{}, fmt.Errorf("sqlstore: claim: %w", err)
	}
	slices.SortFunc(leased, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.leasing.ID, b.leasing.ID))
	})
	for _, c := range leased {
		claim.Leased = append(claim.Leased, c.Leased)
	}
	return claim, nil
}

func (s *Store) peek(ctx context.Context) (outs []lookout, now int64, followers bool, next int64, err error) {
	err = each(ctx, s.db, func(r *sql.Rows) error {
		var o lookout
		var name []byte
		var due sql.NullInt64
		if err := r.Scan(&name, &now, &o.due, &due, &o.pausing, &o.heldUntil, &o.probeAt, &followers); err != nil {
			return err
		}
		if due.Valid && (next == 0 || due.Int64 < next) {
			next = due.Int64
		}
		if o.name = string(name); o.name != "" {
			outs = append(outs, o)
		}
		return nil
	}, s.sql["peek"], s.now())
	return outs, now, followers, next, err
}

// open tells whether the destination may be sent to, and whether only a probe
// may.
func (o lookout) open(now int64, req outbox.ClaimRequest) (open, probe bool) {
	switch {
	case o.heldUntil > now || o.pausing == outbox.PausedByOperator:
		return false, false
	case o.pausing == outbox.PausedByItself:
		return req.Probe || o.probeAt <= now, true
	}
	return true, false
}

func worthClaiming(outs []lookout, now int64, followers bool, req outbox.ClaimRequest) bool {
	for _, o := range outs {
		if open, _ := o.open(now, req); open && o.due && req.Slots > req.Holding[o.name] && req.Room > 0 {
			return true
		}
	}
	return followers
}

// claimFrom leases from one destination.
func (s *Store) claimFrom(ctx context.Context, q querier, now int64, o lookout, room int, req outbox.ClaimRequest, claim *outbox.Claim) ([]candidate, error) {
	open, probe := o.open(now, req)
	if !open {
		return nil, nil
	}
	for {
		found, err := s.candidates(ctx, q, now, o.name, room, req.Alone)
		if err != nil {
			return nil, err
		}
		poisoned := false
		chosen := found[:0]
		for _, c := range found {
			switch {
			case c.Leased.Lost >= outbox.PoisonAfter && req.Alone:
				poisoned = true
				if err := s.poison(ctx, q, now, c, claim); err != nil {
					return nil, err
				}
			case c.Leased.Lost >= outbox.SuspectAfter && !req.Alone:
				claim.Suspects = true
			default:
				c.Probe = probe
				chosen = append(chosen, c)
			}
		}
		if len(chosen) == 0 && poisoned {
			continue
		}
		if probe && len(chosen) > 0 {
			mine, err := s.takeProbe(ctx, q, now, o.name, req)
			if err != nil || !mine {
				return nil, err
			}
			chosen = chosen[:1]
		}
		return s.lease(ctx, q, now, chosen, req)
	}
}

// takeProbe claims the one probe of a destination that paused itself, whichever
// sender comes first.
func (s *Store) takeProbe(ctx context.Context, q querier, now int64, destination string, req outbox.ClaimRequest) (bool, error) {
	res, err := q.ExecContext(ctx, s.sql["probe"], now, []byte(destination), req.ProbeEvery.Microseconds(), asInt(req.Probe))
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

func (s *Store) candidates(ctx context.Context, q querier, now int64, destination string, room int, alone bool) ([]candidate, error) {
	var out []candidate
	err := each(ctx, q, func(r *sql.Rows) error {
		var c candidate
		var token, profile []byte
		var notReady sql.NullInt64
		scan := messageScan{into: &c.Message}
		err := r.Scan(append(scan.targets(), &c.Lane, &c.due, &c.Attempt, &c.leasing.Lost, &c.leasing.Doubt, &c.N, &token,
			&c.expired, &notReady, &profile)...)
		if err != nil {
			return err
		}
		if err := scan.finish(); err != nil {
			return err
		}
		c.leasing.ID, c.Profile = c.Message.ID, profile
		if token != nil {
			text := hex.EncodeToString(token)
			c.Token = &text
		}
		c.doubted = c.leasing.Doubt
		if c.expired {
			c.leasing.Lost++
			c.leasing.Doubt |= uint8(outbox.DoubtLostLease)
		}
		c.N++
		c.Attempt++
		c.Leased.Lost, c.Message.Doubt = c.leasing.Lost, outbox.Doubt(c.leasing.Doubt)
		if notReady.Valid {
			c.NotReadySince = fromMicro(notReady.Int64)
			c.Waited = time.Duration(now-notReady.Int64) * time.Microsecond
		}
		out = append(out, c)
		return nil
	}, s.sql["candidates"], now, []byte(destination), room, asInt(alone), outbox.SuspectAfter)
	return out, err
}

// lease leases the chosen rows. One that a late settlement or an operator
// changed since it was read is left alone.
func (s *Store) lease(ctx context.Context, q querier, now int64, chosen []candidate, req outbox.ClaimRequest) ([]candidate, error) {
	if len(chosen) == 0 {
		return nil, nil
	}
	rows := make([]leasing, len(chosen))
	for i, c := range chosen {
		rows[i] = c.leasing
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return nil, err
	}
	got := map[outbox.ID]bool{}
	err = each(ctx, q, func(r *sql.Rows) error {
		var id outbox.ID
		err := r.Scan(&id)
		got[id] = true
		return err
	}, s.sql["lease"], now, string(text), req.Token[:], req.Lease.Microseconds())
	if err != nil {
		return nil, err
	}
	var leased []candidate
	var lost []settling
	for _, c := range chosen {
		if !got[c.Message.ID] {
			continue
		}
		leased = append(leased, c)
		if c.expired {
			lost = append(lost, lostEntry(c, outbox.StatePending, "lease lost: its sender died, stalled or could not settle", req.By))
		}
	}
	return leased, s.log(ctx, q, now, lost)
}

// lostEntry takes the number that the lost attempt was given.
func lostEntry(c candidate, state outbox.State, reason, by string) settling {
	return settling{
		ID: c.Message.ID, N: c.N - 1, State: uint8(state), Duplicate: asInt(c.doubted != 0),
		Reason: reason, By: outbox.CutText(by, 64),
	}
}

func (s *Store) poison(ctx context.Context, q querier, now int64, c candidate, claim *outbox.Claim) error {
	if _, err := q.ExecContext(ctx, s.sql["poison"], c.Lane, c.Message.ID, c.Leased.Lost, outbox.ReasonKillsWorker); err != nil {
		return err
	}
	entry := lostEntry(c, outbox.StateParked, outbox.ReasonKillsWorker, "")
	if err := s.log(ctx, q, now, []settling{entry}); err != nil {
		return err
	}
	claim.Poisoned = append(claim.Poisoned, outbox.Record{
		Message: c.Message, State: outbox.StateParked, Reason: outbox.ReasonKillsWorker, Lost: c.Leased.Lost,
	})
	return s.follow(ctx, q)
}

// follow parks the followers of parked messages and releases the others.
func (s *Store) follow(ctx context.Context, q querier) error {
	if _, err := q.ExecContext(ctx, s.sql["park followers"]); err != nil {
		return err
	}
	_, err := q.ExecContext(ctx, s.sql["release followers"], s.now())
	return err
}

func asInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
