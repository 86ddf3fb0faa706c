// Command crash kills a shop's process and its sender again and again, and
// counts what was lost (package crash):
//
//	go run ./adapters/conformance/cmd/crash -kills 50
//
// It prints a line per engine, and exits with 1 unless each says "crash ok".
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/amsbridge/amsbridge/adapters/conformance/crash"
	"github.com/amsbridge/amsbridge/adapters/conformance/shopdb"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
)

// grace is what recovery may take beyond a lease: one second is the aim, the
// rest is for a machine that does other work too.
const grace = 3 * time.Second

func main() {
	crash.ChildMain()
	os.Exit(run())
}

func run() int {
	kills := flag.Int("kills", 50, "how many children are killed, for each engine")
	engines := flag.String("engines", "sqlite,postgres", "on which databases, parted by commas")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "decides the moments of the kills")
	flag.Parse()
	if *kills < 1 || flag.NArg() > 0 {
		flag.Usage()
		return 2
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	fmt.Printf("crash: seed=%d\n", *seed)
	var wg sync.WaitGroup
	var mu sync.Mutex
	status := 0
	for engine := range strings.SplitSeq(*engines, ",") {
		wg.Go(func() {
			cfg := crash.Config{Dialect: sqlstore.Dialect(engine), Kills: *kills, Seed: *seed}
			report, err := crashOn(ctx, cfg)
			if err == nil {
				err = report.Check(grace)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				status = 1
				fmt.Printf("crash FAILED: engine=%s: %v (%s)\n", engine, err, report)
				return
			}
			fmt.Println("crash ok:", report)
		})
	}
	wg.Wait()
	return status
}

// crashOn crashes on a database of its own, which goes afterwards.
func crashOn(ctx context.Context, cfg crash.Config) (report crash.Report, err error) {
	err = shopdb.With(ctx, cfg.Dialect, func(dsn string) (err error) {
		cfg.DSN = dsn
		report, err = crash.Run(ctx, cfg)
		return err
	})
	return report, err
}
