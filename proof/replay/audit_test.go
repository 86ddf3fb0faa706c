package replay

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlreplay"
	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// readAudit returns the audit's rows in the order of their writing.
func readAudit(t *testing.T, db *sql.DB) (events []amsbridge.SSOEvent) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT at, action, kind, audience, user_id, token_id, reason FROM amsbridge_sso_audit ORDER BY id")
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		var at int64
		var text [6][]byte
		require.NoError(t, rows.Scan(&at, &text[0], &text[1], &text[2], &text[3], &text[4], &text[5]))
		events = append(events, amsbridge.SSOEvent{
			Time: time.UnixMicro(at).UTC(), Action: amsbridge.SSOAction(text[0]), Kind: string(text[1]), Audience: string(text[2]),
			UserID: amsbridge.UserID(text[3]), TokenID: string(text[4]), Reason: string(text[5]),
		})
	}
	require.NoError(t, rows.Err())
	return events
}

func TestAuditKeepsWhatHappened(t *testing.T) {
	each(t, setups, func(t *testing.T, s setup) {
		db, _ := s.migrated(t)
		store := s.store(t, db, sqlreplay.Config{Logger: slog.New(slog.DiscardHandler)})
		at := time.Date(2026, 11, 22, 9, 30, 0, 123_456_000, time.UTC)
		all := []amsbridge.SSOEvent{
			{Time: at, Action: amsbridge.SSOMinted, Kind: "hand-off", Audience: audience, UserID: "u-\u00e9 & co", TokenID: "ABC"},
			{Time: at.Add(time.Microsecond), Action: amsbridge.SSOVerified, Kind: "hand-off", Audience: audience, UserID: "U-1", TokenID: "abc"},
			{Time: at, Action: amsbridge.SSORefused, Kind: "session", Audience: "elevate/acme", Reason: "claims: exp has passed"},
		}
		for _, e := range all {
			store.Audit(t.Context(), e)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		left := amsbridge.SSOEvent{Time: at, Action: amsbridge.SSOSignedOut, Kind: "ticket"}
		store.Audit(ended, left)
		odd := amsbridge.SSOEvent{Time: at, Action: amsbridge.SSORefused, Kind: "hand-off", Reason: "a\x00b\xff" + strings.Repeat("\u00e9", 400)}
		store.Audit(t.Context(), odd)

		got := readAudit(t, db)
		require.Equal(t, append(all, left), got[:4], "the visitor left, and the row was written")
		require.Len(t, got, 5)
		require.True(t, strings.HasPrefix(got[4].Reason, "ab\u00e9\u00e9"), got[4].Reason)
		require.LessOrEqual(t, len(got[4].Reason), 500)
	})
}

// The handler's own audit, written by a verifier.
func TestAuditOfAVerifier(t *testing.T) {
	each(t, engines, func(t *testing.T, s setup) {
		db, _ := s.migrated(t)
		store := s.store(t, db, sqlreplay.Config{})
		key, err := ssokeys.Generate(ssokeys.EdDSA)
		require.NoError(t, err)
		public, err := key.Verification()
		require.NoError(t, err)
		sso, err := amsbridge.NewSSO(amsbridge.SSOConfig{
			Issuer: issuer, Audiences: []amsbridge.Audience{{Name: "elevate", Audience: audience, Key: key}}, Audit: store.Audit,
		})
		require.NoError(t, err)
		verifier, err := ssoverify.New(ssoverify.Config{
			Issuer: issuer, Audience: audience, Keys: []ssokeys.VerificationKey{public}, Replay: store, Audit: store.Audit,
		})
		require.NoError(t, err)
		token, err := sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: "U-1042"}})
		require.NoError(t, err)
		_, err = verifier.Verify(t.Context(), token)
		require.NoError(t, err)
		_, err = verifier.Verify(t.Context(), token)
		require.True(t, ssoverify.IsReplay(err))
		var actions []amsbridge.SSOAction
		for _, e := range readAudit(t, db) {
			actions = append(actions, e.Action)
			require.EqualValues(t, "U-1042", e.UserID)
			require.Len(t, e.TokenID, 26)
			require.Equal(t, audience, e.Audience)
			require.NotContains(t, e.Reason, token)
		}
		require.Equal(t, []amsbridge.SSOAction{amsbridge.SSOMinted, amsbridge.SSOVerified, amsbridge.SSORefused}, actions)
	})
}

// What cannot be written is logged, and fails nobody.
func TestAnAuditThatFailsIsLogged(t *testing.T) {
	each(t, engines, func(t *testing.T, s setup) {
		db, _ := s.migrated(t)
		var out bytes.Buffer
		store := s.store(t, db, sqlreplay.Config{Logger: slog.New(slog.NewTextHandler(&out, nil))})
		_, err := db.ExecContext(t.Context(), "DROP TABLE amsbridge_sso_audit")
		require.NoError(t, err)
		store.Audit(t.Context(), amsbridge.SSOEvent{Time: time.Now(), Action: amsbridge.SSOVerified, Kind: "hand-off", UserID: "U-1042", TokenID: "T-1"})
		for _, part := range []string{"level=ERROR", "was not written", "action=verified", "user_id=U-1042", "token_id=T-1", "amsbridge_sso_audit"} {
			require.Contains(t, out.String(), part)
		}
	})
}

func TestAuditIsKeptAsLongAsConfigured(t *testing.T) {
	each(t, engines, func(t *testing.T, s setup) {
		db, _ := s.migrated(t)
		forever := s.store(t, db, sqlreplay.Config{})
		now := time.Now()
		for _, age := range []time.Duration{0, 29 * 24 * time.Hour, 31 * 24 * time.Hour} {
			forever.Audit(t.Context(), amsbridge.SSOEvent{Time: now.Add(-age), Action: amsbridge.SSOVerified, Kind: "hand-off"})
		}
		deleted, err := forever.Prune(t.Context())
		require.NoError(t, err)
		require.Zero(t, deleted)

		store, err := sqlreplay.New(sqlreplay.Config{DB: db, Dialect: s.dialect, KeepAudit: 30 * 24 * time.Hour})
		require.NoError(t, err)
		store.Audit(t.Context(), amsbridge.SSOEvent{Time: now, Action: amsbridge.SSOMinted, Kind: "hand-off"})
		require.Equal(t, 3, count(t, db, "amsbridge_sso_audit"), "who only signs deletes old rows as well")
		deleted, err = store.Prune(t.Context())
		require.NoError(t, err)
		require.Zero(t, deleted)
	})
}
