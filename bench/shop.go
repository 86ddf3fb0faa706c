package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
)

// course is the one product that is sold.
const course = "course-1"

// Shop is a shop with an outbox in its database, and the platform that it sells
// for.
type Shop struct {
	db       *sql.DB
	dialect  sqlstore.Dialect
	store    *sqlstore.Store
	hook     *amsbridge.Hook[*sql.Tx]
	platform *platform
	client   *elevate.Client
	// orders numbers what was ordered so far; each order has a buyer of its own.
	orders atomic.Int64
}

// OpenShop makes the tables in an empty database and starts the platform.
// PostgreSQL is used through pgx's database/sql driver with a pool of 16
// connections, SQLite through modernc.org/sqlite with a single one.
func OpenShop(ctx context.Context, dialect sqlstore.Dialect, dsn string) (_ *Shop, err error) {
	driver, connections := "pgx", 16
	if dialect == sqlstore.SQLite {
		driver, connections = "sqlite", 1
	}
	s := &Shop{dialect: dialect}
	if s.db, err = sql.Open(driver, dsn); err != nil {
		return nil, err
	}
	s.db.SetMaxOpenConns(connections)
	s.db.SetMaxIdleConns(connections)
	s.platform = startPlatform()
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err = sqlstore.Migrate(ctx, s.db, dialect); err != nil {
		return nil, err
	}
	if _, err = s.db.ExecContext(ctx, "CREATE TABLE shop_order (id TEXT PRIMARY KEY, buyer TEXT NOT NULL, total BIGINT NOT NULL)"); err != nil {
		return nil, err
	}
	if s.store, err = sqlstore.New(ctx, sqlstore.Config{DB: s.db, Dialect: dialect}); err != nil {
		return nil, err
	}
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{
		Products: []amsbridge.Product{{ID: course, RemoteProductID: course}},
	})
	if err != nil {
		return nil, err
	}
	if s.hook, err = amsbridge.NewHook(s.store, amsbridge.HookConfig{Catalog: catalog}); err != nil {
		return nil, err
	}
	s.client, err = elevate.New(elevate.Config{
		Endpoint: s.platform.URL + "/registration", AllowLoopbackHTTP: true, Concurrency: workers,
		Credentials: elevate.Key("key"), Profile: elevate.GuessedProfile(),
	})
	return s, err
}

// Close ends the platform and the connections.
func (s *Shop) Close() error {
	s.platform.Close()
	return s.db.Close()
}

// Version is what the database calls itself.
func (s *Shop) Version(ctx context.Context) (version string, err error) {
	query := "SELECT 'PostgreSQL ' || current_setting('server_version') || ' through pgx/stdlib'"
	if s.dialect == sqlstore.SQLite {
		query = "SELECT 'SQLite ' || sqlite_version() || ' through modernc.org/sqlite'"
	}
	err = s.db.QueryRowContext(ctx, query).Scan(&version)
	return version, err
}

// newOrder returns an order of one course for a person who buys nothing else.
func (s *Shop) newOrder() amsbridge.Order {
	n := s.orders.Add(1)
	return amsbridge.Order{
		ID: fmt.Sprintf("o-%08d", n), Buyer: person(n),
		Lines: []amsbridge.Line{{ID: "1", ProductID: course, Quantity: 1}},
	}
}

func person(n int64) amsbridge.User {
	id := fmt.Sprintf("u-%08d", n)
	return amsbridge.User{ID: amsbridge.UserID(id), FirstName: "Ada", LastName: "Byron", Email: id + "@example.org"}
}

// fill leaves n messages of distinct persons in the outbox, a thousand to an
// order.
func (s *Shop) fill(ctx context.Context, n int) error {
	for n > 0 {
		order := s.newOrder()
		order.Lines = nil
		for i := range min(n, 1000) {
			order.Lines = append(order.Lines, amsbridge.Line{
				ID: strconv.Itoa(i), ProductID: course, Quantity: 1,
				Attendees: []amsbridge.User{person(s.orders.Add(1))},
			})
		}
		n -= len(order.Lines)
		if err := sqlstore.InTx(ctx, s.db, nil, func(tx *sql.Tx) error {
			_, err := s.hook.OrderCompleted(ctx, tx, order)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
