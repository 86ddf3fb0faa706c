package replay

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlreplay"
	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// login is an issuer of hand-offs and a verifier whose replay store is under test.
type login struct {
	sso      *amsbridge.SSO
	verifier *ssoverify.Verifier
}

func newLogin(t *testing.T, store *sqlreplay.Store) login {
	t.Helper()
	key, err := ssokeys.Generate(ssokeys.EdDSA)
	require.NoError(t, err)
	public, err := key.Verification()
	require.NoError(t, err)
	sso, err := amsbridge.NewSSO(amsbridge.SSOConfig{
		Issuer: issuer, Audiences: []amsbridge.Audience{{Name: "elevate", Audience: audience, Key: key}}, Audit: quiet,
	})
	require.NoError(t, err)
	verifier, err := ssoverify.New(ssoverify.Config{
		Issuer: issuer, Audience: audience, Keys: []ssokeys.VerificationKey{public}, Replay: store, Audit: quiet,
	})
	require.NoError(t, err)
	return login{sso, verifier}
}

func (l login) handOff(t *testing.T) string {
	t.Helper()
	token, err := l.sso.HandOff(t.Context(), amsbridge.HandOffRequest{Audience: "elevate", User: amsbridge.User{ID: "U-1042"}})
	require.NoError(t, err)
	return token
}

// refuses asserts that a sound token is refused, and not as one used before.
func (l login) refuses(ctx context.Context, t *testing.T, token string) {
	t.Helper()
	got, err := l.verifier.Verify(ctx, token)
	require.ErrorIs(t, err, ssoverify.ErrInvalidToken)
	require.False(t, ssoverify.IsReplay(err), "%v", err)
	require.Zero(t, got)
}

func TestNobodyIsLetInWhileTheStoreFails(t *testing.T) {
	each(t, engines, func(t *testing.T, s setup) {
		for name, fail := range map[string]func(t *testing.T, db *sql.DB, dsn string) context.Context{
			"the table is missing": func(t *testing.T, db *sql.DB, _ string) context.Context {
				_, err := db.ExecContext(t.Context(), "DROP TABLE amsbridge_replay")
				require.NoError(t, err)
				return t.Context()
			},
			"the handle is closed": func(t *testing.T, db *sql.DB, _ string) context.Context {
				require.NoError(t, db.Close())
				return t.Context()
			},
			"the request ended": func(t *testing.T, _ *sql.DB, _ string) context.Context {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				return ctx
			},
			"the table is locked for longer than one waits": func(t *testing.T, _ *sql.DB, dsn string) context.Context {
				lock := map[sqlreplay.Dialect]string{
					sqlreplay.SQLite: "BEGIN EXCLUSIVE", sqlreplay.PostgreSQL: "BEGIN; LOCK TABLE amsbridge_replay", sqlreplay.MySQL: "LOCK TABLES amsbridge_replay WRITE",
				}
				conn, err := s.at(t, dsn).Conn(t.Context())
				require.NoError(t, err)
				t.Cleanup(func() { _ = conn.Raw(func(any) error { return errors.New("keep") }); _ = conn.Close() })
				_, err = conn.ExecContext(t.Context(), lock[s.dialect])
				require.NoError(t, err)
				return t.Context()
			},
		} {
			t.Run(name, func(t *testing.T) {
				// SQLite waits as long as the DSN says, whatever the context.
				dsn := strings.Replace(s.dsn(t), "busy_timeout(30000)", "busy_timeout(3000)", 1)
				db := s.at(t, dsn)
				require.NoError(t, sqlreplay.Migrate(t.Context(), db, s.dialect))
				l := newLogin(t, s.store(t, db, sqlreplay.Config{Timeout: time.Second}))
				_, err := l.verifier.Verify(t.Context(), l.handOff(t))
				require.NoError(t, err)
				ctx := fail(t, db, dsn)
				begun := time.Now()
				l.refuses(ctx, t, l.handOff(t))
				require.Less(t, time.Since(begun), 8*time.Second)
			})
		}
	})
}

// wire is a connection to a server that can be cut, or carry no answers.
type wire struct {
	listener net.Listener
	server   string
	wg       sync.WaitGroup

	mu    sync.Mutex
	mute  bool
	conns []net.Conn
}

func newWire(t *testing.T, server string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{listener: listener, server: server}
	w.wg.Go(w.accept)
	t.Cleanup(w.cut)
	return w
}

func (w *wire) accept() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", w.server)
		if err != nil {
			_ = near.Close()
			continue
		}
		w.mu.Lock()
		w.conns = append(w.conns, near, far)
		w.mu.Unlock()
		w.wg.Go(func() { _, _ = io.Copy(far, near); _ = far.Close() })
		w.wg.Go(func() { _, _ = io.Copy(muted{w, near}, far); _ = near.Close() })
	}
}

// muted drops what the server says while the wire is mute.
type muted struct {
	w    *wire
	near net.Conn
}

func (m muted) Write(b []byte) (int, error) {
	m.w.mu.Lock()
	mute := m.w.mute
	m.w.mu.Unlock()
	if mute {
		return len(b), nil
	}
	return m.near.Write(b)
}

func (w *wire) setMute(mute bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mute = mute
}

// cut ends all connections and takes no more.
func (w *wire) cut() {
	_ = w.listener.Close()
	w.mu.Lock()
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.mu.Unlock()
	w.wg.Wait()
}

// over opens the database by a wire, in one connection.
func (s setup) over(t *testing.T, dsn string) (*sql.DB, *wire) {
	t.Helper()
	server := dsn[strings.Index(dsn, "127.0.0.1:"):]
	server = server[:strings.IndexAny(server, "/)")]
	w := newWire(t, server)
	s.conns = 1
	return s.at(t, strings.Replace(dsn, server, w.listener.Addr().String(), 1)), w
}

// servers are set-ups that send an insertion in one piece, so that it takes
// effect without an answer.
var servers = []setup{setups[3], setups[10]}

func TestNobodyIsLetInWhenTheConnectionIsCut(t *testing.T) {
	each(t, servers, func(t *testing.T, s setup) {
		direct, dsn := s.migrated(t)
		db, w := s.over(t, dsn)
		l := newLogin(t, s.store(t, db, sqlreplay.Config{Timeout: time.Second}))
		token := l.handOff(t)
		w.cut()
		l.refuses(t.Context(), t, token)
		require.Equal(t, 1, count(t, direct, "amsbridge_replay"))
	})
}

// The insertion took effect, the answer was lost: nobody is let in, neither now
// nor when the database can be heard again.
func TestAnInsertionWithoutAnAnswerLetsNobodyIn(t *testing.T) {
	each(t, servers, func(t *testing.T, s setup) {
		direct, dsn := s.migrated(t)
		db, w := s.over(t, dsn)
		l := newLogin(t, s.store(t, db, sqlreplay.Config{Timeout: 500 * time.Millisecond}))
		token := l.handOff(t)
		w.setMute(true)
		l.refuses(t.Context(), t, token)
		require.Eventually(t, func() bool {
			var rows int
			err := direct.QueryRowContext(t.Context(), "SELECT count(*) FROM amsbridge_replay").Scan(&rows)
			return err == nil && rows == 2
		}, 10*time.Second, 10*time.Millisecond, "the insertion takes effect")
		w.setMute(false)
		heard := error(nil)
		require.Eventually(t, func() bool {
			_, heard = l.verifier.Verify(t.Context(), token)
			return heard == nil || ssoverify.IsReplay(heard)
		}, 10*time.Second, 10*time.Millisecond, "the database is heard again")
		require.True(t, ssoverify.IsReplay(heard), "it was let in")
		_, err := l.verifier.Verify(t.Context(), l.handOff(t))
		require.NoError(t, err)
	})
}

// A row whose insertion is rolled back by the database leaves the token unused:
// the member may press the button again.
func TestAFailedInsertionLeavesTheTokenUnused(t *testing.T) {
	each(t, engines, func(t *testing.T, s setup) {
		db, _ := s.migrated(t)
		store := s.store(t, db, sqlreplay.Config{Logger: slog.New(slog.DiscardHandler)})
		id := rand.Text()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		first, err := store.Consume(ended, "issuer", "audience", id, time.Now().Add(time.Minute))
		require.ErrorIs(t, err, context.Canceled)
		require.False(t, first)
		consume(t, store, id, true)
		consume(t, store, id, false)
	})
}
