// Command orders plays random sequences of orders that change on each engine, and compares what people
// have with a plain model (package orders):
//
//	go run ./proof/cmd/withdb -- go run ./proof/cmd/orders -sequences 2000
//
// Slow engines play a part of them. A line for each engine begins with "orders ok" or, and it exits with 1
// then, "orders FAILED". With -mutants it breaks the rules one by one, in copies of single files, and
// shows the sequence that finds each break.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/amsbridge/amsbridge/proof/orders"
)

func main() { os.Exit(run()) }

func run() int {
	testing.Init() // rapid asks whether tests are to be short
	sequences := flag.Int("sequences", 2000, "how many sequences are played")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "decides the sequences")
	only := flag.String("engine", "", "one engine alone")
	mutants := flag.Bool("mutants", false, "break the rules one by one instead, and show what finds each break")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if *mutants {
		return mutate(ctx, *sequences)
	}
	status := 0
	for _, on := range orders.Engines() {
		if *only != "" && *only != on.Name {
			continue
		}
		if err := play(ctx, on, max(1, *sequences/on.Part), *seed); err != nil {
			what := ""
			if _, ok := errors.AsType[*orders.Mismatch](err); ok {
				what = "mismatch: "
			}
			fmt.Printf("orders FAILED: %sengine=%s seed=%d: %v\n", what, on.Name, *seed, err)
			status = 1
		}
	}
	return status
}

func play(ctx context.Context, on orders.On, sequences int, seed uint64) (err error) {
	e, err := on.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	begun := time.Now()
	count, err := orders.Run(ctx, e, sequences, seed)
	if err == nil {
		err = count.Check()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", count, err)
	}
	fmt.Printf("orders ok: engine=%s %s mismatches=0\n", e.Name, count)
	fmt.Print(count.More())
	fmt.Printf("took=%s\n", time.Since(begun).Round(time.Second))
	return nil
}

// mutate breaks one rule after the other.
func mutate(ctx context.Context, sequences int) (status int) {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/amsbridge/amsbridge")
	out, err := list.Output()
	if err != nil {
		fmt.Println("mutants FAILED:", err)
		return 1
	}
	caught := 0
	for _, m := range orders.Mutants() {
		why, err := m.Caught(ctx, strings.TrimSpace(string(out)), sequences)
		if err != nil {
			fmt.Printf("SURVIVED: %s: %s: %v\n\n", m.Name, m.Rule, err)
			status = 1
			continue
		}
		caught++
		fmt.Printf("caught: %s\nrule: %s\nby: %s\n\n", m.Name, m.Rule, why)
	}
	fmt.Printf("mutants: caught=%d of=%d\n", caught, len(orders.Mutants()))
	return status
}
