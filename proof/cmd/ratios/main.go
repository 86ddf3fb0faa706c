// Command ratios prints what the outbox costs, as ratios within one run, beside
// River and watermill-sql on the same work:
//
//	go run ./proof/cmd/withdb -- go run ./proof/cmd/ratios
//
// The servers are started with their default settings, whatever others there
// are; SQLite syncs in full to a write-ahead log.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/proof/bench"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if child, err := bench.Child(ctx); child {
		return status(err)
	}
	var names []string
	for _, e := range bench.Engines() {
		names = append(names, e.Name)
	}
	only := flag.String("only", "", "measure only what matches this regular expression; -list shows the names")
	list := flag.Bool("list", false, "print what can be measured, and end")
	rounds := flag.Int("rounds", 25, "the most rounds that count; what is slow takes fewer")
	quick := flag.Bool("quick", false, "small sizes and two rounds, to see that all works")
	engines := flag.String("engines", strings.Join(names, ","), "on which databases, parted by commas")
	markdown := flag.Bool("markdown", false, "print a table for docs/benchmarks.md at the end")
	picture := flag.String("picture", "", "write the peers side by side to this SVG file, if all of them were measured")
	flag.Parse()
	pattern, err := regexp.Compile(*only)
	if err != nil || *rounds < 1 || flag.NArg() > 0 {
		flag.Usage()
		return 2
	}
	lab := &bench.Lab{Rounds: *rounds, Scale: 1}
	if *quick {
		lab.Rounds, lab.Scale = min(*rounds, 2), 50
	}
	for _, m := range bench.Measurements(pattern) {
		if *list {
			fmt.Println(m.Name)
		}
	}
	if *list {
		return 0
	}
	if lab.Engines, err = bench.EnginesNamed(*engines); err != nil {
		return status(err)
	}
	return status(measure(ctx, lab, pattern, *markdown, *picture))
}

func status(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func measure(ctx context.Context, lab *bench.Lab, only *regexp.Regexp, markdown bool, picture string) (err error) {
	if lab.Servers, err = bench.Start(ctx, lab.Engines); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lab.Servers.Stop()) }()
	setting, err := lab.Setting(ctx)
	if err != nil {
		return err
	}
	fmt.Println(setting)
	var rows []bench.Row
	failed := 0
	for _, m := range bench.Measurements(only) {
		begun := time.Now()
		got, err := m.Run(ctx, lab)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, row := range got {
			fmt.Println(row)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			failed++
		}
		fmt.Fprintf(os.Stderr, "%s took %s\n", m.Name, time.Since(begun).Round(time.Second))
		rows = append(rows, got...)
	}
	if svg := bench.Picture(rows); picture != "" && svg != "" {
		if err := os.WriteFile(picture, []byte(svg), 0o600); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d measurements failed", failed)
	}
	if markdown {
		fmt.Printf("\n%s\n\n%s", setting, bench.Markdown(rows))
	}
	return nil
}
