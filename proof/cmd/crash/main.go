// Command crash kills a shop's process with its sender, and crashes its database,
// again and again, and counts what was lost (package crash):
//
//	go run ./proof/cmd/crash -kills 50
//
// It prints a line per engine, and exits with 1 unless each says "crash ok". A
// server that cannot be had is a failure too.
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

	"github.com/amsbridge/amsbridge/proof/crash"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

func main() {
	crash.ChildMain()
	os.Exit(run())
}

func run() int {
	kills := flag.Int("kills", 50, "how many faults there are, on each engine")
	engines := flag.String("engines", strings.Join(crash.Engines(), ","), "on which databases, parted by commas")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "decides the moments of the faults")
	grace := flag.Duration("grace", time.Second, "how much longer than a session recovery may take; a busy machine needs more")
	session := flag.Duration("session", crash.DefaultSession, "how long a sender is taken for alive without a beat; a busy machine needs more")
	atOnce := flag.Int("at-once", 1, "how many engines run at once; more than one make each other slow")
	flag.Parse()
	if *kills < 1 || *atOnce < 1 || flag.NArg() > 0 {
		flag.Usage()
		return 2
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	fmt.Printf("crash: seed=%d\n", *seed)
	var wg sync.WaitGroup
	var mu sync.Mutex
	status := 0
	turns := make(chan struct{}, *atOnce)
	for engine := range strings.SplitSeq(*engines, ",") {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			var report crash.Report
			opts := testdb.Options{Install: true, Log: os.Stderr}
			err := crash.With(ctx, engine, opts, func(database crash.Database) (err error) {
				report, err = crash.Run(ctx, crash.Config{Database: database, Kills: *kills, Session: *session, Seed: *seed})
				return err
			})
			if err == nil {
				err = report.Check(*grace)
			}
			mu.Lock()
			defer mu.Unlock()
			fmt.Println(report.More())
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
