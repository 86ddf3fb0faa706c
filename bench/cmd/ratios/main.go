// Command ratios prints what the outbox and the platforms' clients cost, as
// ratios within one run:
//
//	go run ./adapters/conformance/cmd/withdb -- go run ./bench/cmd/ratios
//
// PostgreSQL is the server that AMSBRIDGE_TEST_POSTGRES names, or one that is
// started with its default settings; SQLite syncs in full to a write-ahead log.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/amsbridge/amsbridge/adapters/conformance/testdb"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/bench"
)

func main() {
	rounds := flag.Int("rounds", 9, "how many rounds count")
	orders := flag.Int("orders", 4000, "how many orders are placed in each half of a round")
	messages := flag.Int("messages", 10_000, "how many messages are drained in each half of a round")
	calls := flag.Int("calls", 4000, "how many calls a platform's client makes in each half of a round; 0 leaves the clients out")
	engines := flag.String("engines", "sqlite,postgres", "on which databases, parted by commas; none leaves the outbox out")
	flag.Parse()
	if *rounds < 1 || *orders < 1 || *messages < 1 || *calls < 0 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	fmt.Printf("machine: %s\n", machine())
	status := 0
	if *calls > 0 {
		if err := measureClients(ctx, *rounds, *calls); err != nil {
			fmt.Fprintf(os.Stderr, "clients: %v\n", err)
			status = 1
		}
	}
	for engine := range strings.SplitSeq(*engines, ",") {
		if engine == "none" {
			continue
		}
		if err := measure(ctx, sqlstore.Dialect(engine), *rounds, *orders, *messages); err != nil {
			fmt.Fprintf(os.Stderr, "engine=%s: %v\n", engine, err)
			status = 1
		}
	}
	os.Exit(status)
}

// machine says what the figures were measured on.
func machine() string {
	model := "processor unknown"
	info, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
			}
		}
	}
	return fmt.Sprintf("%d × %s, %s %s/%s", runtime.NumCPU(), model, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func measureClients(ctx context.Context, rounds, calls int) error {
	for _, open := range []func(context.Context) (*bench.Call, error){bench.ElevateCall, bench.NotifiedCall} {
		call, err := open(ctx)
		if err != nil {
			return err
		}
		ratio, err := call.Compare(ctx, rounds, calls)
		call.Close()
		if err != nil {
			return err
		}
		fmt.Println(ratio)
	}
	return nil
}

func measure(ctx context.Context, dialect sqlstore.Dialect, rounds, orders, messages int) (err error) {
	dsn, drop, err := database(ctx, dialect)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	shop, err := bench.OpenShop(ctx, dialect, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shop.Close()) }()
	version, err := shop.Version(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("engine=%s: %s\n", dialect, version)
	enqueue, drain, err := shop.Ratios(ctx, rounds, orders, messages)
	if err != nil {
		return err
	}
	fmt.Printf("engine=%s %s\nengine=%s %s\n", dialect, enqueue, dialect, drain)
	return nil
}

// database returns a fresh one and what removes it.
func database(ctx context.Context, dialect sqlstore.Dialect) (dsn string, drop func() error, err error) {
	switch dialect {
	case sqlstore.SQLite:
		dir, err := os.MkdirTemp("", "amsbridge-bench-*")
		return testdb.SQLiteFile(filepath.Join(dir, "shop.sqlite")), func() error { return os.RemoveAll(dir) }, err
	case sqlstore.PostgreSQL:
		server, err := testdb.Start(ctx, testdb.PostgreSQL, testdb.Options{Install: true, Log: os.Stderr})
		if err != nil {
			return "", nil, err
		}
		dsn, dropDB, err := server.Create(ctx)
		if err != nil {
			return "", nil, errors.Join(err, server.Stop())
		}
		return dsn, func() error { return errors.Join(dropDB(context.WithoutCancel(ctx)), server.Stop()) }, nil
	}
	return "", nil, fmt.Errorf("%q is neither sqlite nor postgres", dialect)
}
