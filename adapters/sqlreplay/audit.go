package sqlreplay

import (
	"context"
	"log/slog"
	"strings"

	"github.com/amsbridge/amsbridge"
)

// maxReason is the longest reason kept, in bytes.
const maxReason = 500

// Audit writes a row of the audit; it is an [amsbridge.SSOAudit]. It writes even when the visitor has
// left. What cannot be written within [Config.Timeout] is logged by [Config.Logger], event and error,
// at Error: nobody is refused because of it.
func (s *Store) Audit(ctx context.Context, e amsbridge.SSOEvent) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout)
	defer cancel()
	reason := plain(e.Reason)
	_, err := s.cfg.DB.ExecContext(ctx, s.d.audit, e.Time.UnixMicro(), string(e.Action), e.Kind,
		[]byte(e.Audience), []byte(e.UserID), []byte(e.TokenID), reason)
	if err == nil {
		s.pruneSometimes(ctx)
		return
	}
	s.cfg.Logger.LogAttrs(ctx, slog.LevelError, "sqlreplay: a row of the audit was not written", slog.Any("error", err),
		slog.Time("at", e.Time), slog.String("action", string(e.Action)), slog.String("kind", e.Kind),
		slog.String("audience", e.Audience), slog.String("user_id", string(e.UserID)),
		slog.String("token_id", e.TokenID), slog.String("reason", reason))
}

// plain returns a text that every database accepts.
func plain(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text[:min(len(text), maxReason)], "\x00", ""), "")
}
