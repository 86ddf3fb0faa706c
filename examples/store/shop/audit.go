package shop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/amsbridge/amsbridge"
)

// Audit keeps one row for each hand-off that was signed or refused, each ticket
// and each sign-out. amsbridge calls it; a row that cannot be kept is reported,
// and stops nobody.
func (s *Shop) Audit(ctx context.Context, e amsbridge.SSOEvent) {
	ctx = context.WithoutCancel(ctx) // a member who goes away leaves a row too
	_, err := s.cfg.DB.ExecContext(ctx, `INSERT INTO shop_sign_in (at, action, kind, platform, member, token_id, reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		e.Time.UnixMicro(), string(e.Action), e.Kind, e.Audience, string(e.UserID), e.TokenID, e.Reason)
	if err != nil {
		slog.ErrorContext(ctx, "an audit row was lost", "action", e.Action, "error", err)
	}
}

// signInRow is a row of the audit.
type signInRow struct {
	At                             time.Time
	Action, Kind, Platform, Reason string
	Member                         Member
}

// signIns returns the latest rows, the newest first.
func signIns(ctx context.Context, db *Database) (all []signInRow, err error) {
	rows, err := db.QueryContext(ctx, fmt.Sprintf(
		`SELECT at, action, kind, platform, member, reason FROM shop_sign_in ORDER BY at DESC LIMIT %d`, maxShown))
	if err != nil {
		return nil, fmt.Errorf("look up the audit: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var r signInRow
		var at int64
		var member string
		if err := rows.Scan(&at, &r.Action, &r.Kind, &r.Platform, &member, &r.Reason); err != nil {
			return nil, err
		}
		r.At = time.UnixMicro(at)
		if member != "" {
			r.Member = known(member)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}
