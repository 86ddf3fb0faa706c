package sqlreplay_test

import (
	"context"
	"database/sql"

	"github.com/amsbridge/amsbridge/adapters/sqlreplay"
	"github.com/amsbridge/amsbridge/ssokeys"
	"github.com/amsbridge/amsbridge/ssoverify"
)

// Run it when the program starts. All receiving processes share db.
func ExampleNew() {
	receive := func(ctx context.Context, db *sql.DB, key ssokeys.VerificationKey) (*ssoverify.Verifier, error) {
		if err := sqlreplay.Migrate(ctx, db, sqlreplay.MySQL); err != nil {
			return nil, err
		}
		store, err := sqlreplay.New(sqlreplay.Config{DB: db, Dialect: sqlreplay.MySQL})
		if err != nil {
			return nil, err
		}
		return ssoverify.New(ssoverify.Config{
			Issuer: "https://shop.example.org", Audience: "https://learn.example.org",
			Keys: []ssokeys.VerificationKey{key}, Replay: store, Audit: store.Audit,
		})
	}
	_ = receive
}
