// Command chaos sends a shop's orders to two platforms that fail in every way,
// and counts what was lost or doubled (package chaos):
//
//	go run ./proof/cmd/chaos -orders 10000
//
// Its last line begins with "chaos ok" or, and it exits with 1 then, "chaos
// FAILED".
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/proof/chaos"
	"github.com/amsbridge/amsbridge/proof/shopdb"
)

func main() { os.Exit(run()) }

func run() int {
	orders := flag.Int("orders", 10_000, "how many orders are paid")
	engine := flag.String("engine", "sqlite", "on which database: sqlite or postgres")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "decides the orders and the faults")
	flag.Parse()
	if *orders < 1 || flag.NArg() > 0 {
		flag.Usage()
		return 2
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	fmt.Printf("chaos: engine=%s seed=%d\n", *engine, *seed)
	begun := time.Now()
	report, err := runOn(ctx, chaos.Config{Dialect: sqlstore.Dialect(*engine), Orders: *orders, Seed: *seed})
	fmt.Printf("%s\ntook=%s\n", report.More(), time.Since(begun).Round(time.Second))
	if err == nil {
		err = report.Check()
	}
	if err != nil {
		fmt.Printf("chaos FAILED: %v (%s)\n", err, report)
		return 1
	}
	fmt.Println("chaos ok:", report)
	return 0
}

// runOn runs on a database of its own, which goes afterwards.
func runOn(ctx context.Context, cfg chaos.Config) (report chaos.Report, err error) {
	err = shopdb.With(ctx, cfg.Dialect, func(dsn string) (err error) {
		cfg.DSN = dsn
		report, err = chaos.Run(ctx, cfg)
		return err
	})
	return report, err
}
