package sqlreplay_test

import (
	"context"
	"database/sql"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlreplay"
)

// Where the program starts. All processes that receive share db.
func ExampleNew() {
	receive := func(ctx context.Context, db *sql.DB, key amsbridge.VerificationKey) (*amsbridge.Verifier, error) {
		if err := sqlreplay.Migrate(ctx, db, sqlreplay.MySQL); err != nil {
			return nil, err
		}
		store, err := sqlreplay.New(db, sqlreplay.Config{Dialect: sqlreplay.MySQL})
		if err != nil {
			return nil, err
		}
		return amsbridge.NewVerifier(amsbridge.VerifierConfig{
			Issuer: "https://shop.example.org", Audience: "https://learn.example.org",
			Keys: []amsbridge.VerificationKey{key}, Replay: store, Audit: store.Audit,
		})
	}
	_ = receive
}
