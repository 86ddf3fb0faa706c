package sqlreplay

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/internal/sqlmigrate"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// MaxText is the longest issuer, audience and token ID, in bytes.
const MaxText = 255

// Config configures [New].
type Config struct {
	// DB is the database. The caller closes it. Required.
	//
	// A SQLite handle must wait for locks (with modernc.org/sqlite: _pragma=busy_timeout(5000) in the
	// DSN), or members are refused while another process writes.
	DB *sql.DB
	// Dialect is [PostgreSQL], [MySQL] (also for MariaDB) or [SQLite]. Required.
	Dialect Dialect
	// Timeout limits [Store.Consume] and [Store.Audit]: with a database that hangs, members are refused
	// instead of kept waiting. SQLite waits for a lock as long as the handle's busy_timeout, whatever
	// Timeout says. Defaults to 5 seconds.
	Timeout time.Duration
	// KeepAudit is how long a row of the audit is kept. Defaults to for ever.
	KeepAudit time.Duration
	// Logger logs events that could not be written to the audit, and failures of pruning. Defaults to
	// slog.Default.
	Logger *slog.Logger
	// Now replaces the database's clock, for tests. Defaults to the database's
	// clock.
	Now func() time.Time
}

// Store remembers used tokens. It is safe for concurrent use, by all processes that share the database.
type Store struct {
	d   dialect
	set sqlmigrate.Set
	cfg Config

	mu sync.Mutex
	// sincePrune counts the rows inserted since lastPrune.
	sincePrune int
	lastPrune  time.Time
}

var _ ssoverify.ReplayStore = (*Store)(nil)

// New returns the store, or an *amsbridge.InputError that names the first bad field. It does not use
// the database yet, so the tables may be missing: see [Migrate] and [Store.Validate].
func New(cfg Config) (*Store, error) {
	if cfg.DB == nil {
		return nil, check.Bad("sqlreplay", "Config.DB", "is nil")
	}
	d, err := dialectOf(cfg.Dialect)
	if err != nil {
		return nil, check.Renamed(err, "sqlreplay", "dialect", "Config.Dialect")
	}
	set, err := set(cfg.Dialect)
	if err != nil {
		return nil, err
	}
	switch {
	case cfg.Timeout < 0:
		return nil, check.Bad("sqlreplay", "Config.Timeout", "is negative")
	case cfg.KeepAudit < 0:
		return nil, check.Bad("sqlreplay", "Config.KeepAudit", "is negative")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Store{d: d, set: set, cfg: cfg}, nil
}

// Consume inserts the token's row. It returns true for the call that inserted it, and false where a row
// exists, even one that this call inserted without getting the answer. The three texts are compared
// byte for byte, whatever the database's collation, and are 1 to [MaxText] bytes each.
//
// It returns an error when the database is down, hangs ([Config.Timeout]) or has no tables, and when
// the context ends. Nobody is let in then, and it is unknown whether the token counts as used. Where
// SERIALIZABLE is the connections' default, a repeat at the same moment may be an error too.
//
// Now and then it deletes old rows: see [Store.Prune].
func (s *Store) Consume(ctx context.Context, issuer, audience, id string, until time.Time) (first bool, err error) {
	for _, f := range [...]struct{ name, text string }{{"issuer", issuer}, {"audience", audience}, {"id", id}} {
		if f.text == "" || len(f.text) > MaxText {
			return false, check.Bad("sqlreplay", f.name, "is not 1 to 255 bytes long")
		}
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	key := rowID(issuer, audience, id)
	if first, err = s.insert(ctx, key, until, issuer, audience, id); err != nil {
		if used, e := s.used(ctx, key); e == nil && used {
			return false, nil
		}
		return false, fmt.Errorf("sqlreplay: consume: %w", err)
	}
	s.pruneSometimes(ctx)
	return first, nil
}

// insert is the one atomic step.
func (s *Store) insert(ctx context.Context, key []byte, until time.Time, issuer, audience, id string) (bool, error) {
	result, err := s.cfg.DB.ExecContext(ctx, s.d.consume, key, until.UnixMicro(), []byte(issuer), []byte(audience), []byte(id))
	if err != nil {
		return false, err
	}
	rows, err := result.RowsAffected()
	if err != nil {
		return false, err
	}
	if rows != 0 && rows != 1 {
		return false, fmt.Errorf("the database counts %d rows", rows)
	}
	return rows == 1, nil
}

// used tells whether a failed insertion met an existing row. Drivers report duplicates in different
// ways, so it looks.
func (s *Store) used(ctx context.Context, key []byte) (bool, error) {
	var rows int
	err := s.cfg.DB.QueryRowContext(ctx, s.d.used, key).Scan(&rows)
	return rows > 0, err
}

// rowID returns the SHA-256 of the three texts, each after its length, so that different tokens never
// give the same input.
func rowID(issuer, audience, id string) []byte {
	h := sha256.New()
	for _, text := range []string{issuer, audience, id} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		h.Write([]byte(text))
	}
	return h.Sum(nil)
}
