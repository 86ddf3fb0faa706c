// Command e2e plays the story of examples/store, and that of the page of
// examples/sandbox, in headless Chromium. It ends with
//
//	e2e ok: scenarios=… pages=… csp=0 axe=0
//
// and status 0, or says what failed and where, with pictures, and ends with
// status 1. From the root of the repository:
//
//	go run ./proof/cmd/e2e
//
// On a Debian machine root needs nothing but Go: Chromium and npm are installed
// when they are missing, and axe-core is fetched into the user's cache folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/amsbridge/amsbridge/proof/e2e/install"
	"github.com/amsbridge/amsbridge/proof/e2e/scenarios"
	"github.com/amsbridge/amsbridge/proof/e2e/servers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are the command line's.
type options struct {
	pictures, only string
	jobs           int
	atMost         time.Duration
}

func run(ctx context.Context, args []string, out, problems io.Writer) int {
	var o options
	flags := flag.NewFlagSet("e2e", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.StringVar(&o.pictures, "pictures", "",
		"folder for the pictures (default a new one in the temporary folder)")
	flags.StringVar(&o.only, "run", "", "play only the scenarios whose name matches this regular expression")
	flags.IntVar(&o.jobs, "jobs", 2, "how many scenarios are played at the same time")
	flags.DurationVar(&o.atMost, "timeout", 15*time.Minute, "how long all of it may take")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	ctx, cancel := context.WithTimeout(ctx, o.atMost)
	defer cancel()
	tally, err := play(ctx, o, out)
	if err != nil {
		_, _ = fmt.Fprintln(problems, "e2e:", err)
		return 1
	}
	_, _ = fmt.Fprintln(out, tally)
	if !tally.OK() {
		return 1
	}
	return 0
}

// play plays the scenarios, and reports each as it ends.
func play(ctx context.Context, o options, out io.Writer) (tally scenarios.Tally, err error) {
	only, err := regexp.Compile(o.only)
	switch {
	case err != nil:
		return tally, fmt.Errorf("-run: %w", err)
	case o.jobs < 1:
		return tally, errors.New("-jobs is not at least 1")
	}
	programs, err := os.MkdirTemp("", "amsbridge-e2e-programs-")
	if err != nil {
		return tally, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(programs)) }()
	runner, err := prepare(ctx, programs, o.pictures, out)
	if err != nil {
		return tally, err
	}
	if err := runner.Calibrate(ctx); err != nil {
		return tally, err
	}
	var mu sync.Mutex
	var playing sync.WaitGroup
	free := make(chan struct{}, o.jobs)
	for _, scenario := range scenarios.All() {
		if !only.MatchString(scenario.Name) {
			continue
		}
		free <- struct{}{}
		playing.Go(func() {
			defer func() { <-free }()
			result := runner.Play(ctx, scenario)
			mu.Lock()
			defer mu.Unlock()
			tally.Add(result)
			_, _ = fmt.Fprintf(out, "%s\n", result)
		})
	}
	playing.Wait()
	_, _ = fmt.Fprintln(out, "pictures:", runner.Pictures)
	return tally, nil
}

// prepare finds or makes all that the scenarios need, with the programs in a
// folder.
func prepare(ctx context.Context, folder, pictures string, out io.Writer) (r scenarios.Runner, err error) {
	if r.Chromium, err = install.Chromium(ctx, out); err != nil {
		return r, err
	}
	if r.Axe, err = install.Axe(ctx, out); err != nil {
		return r, err
	}
	if err := servers.Build(ctx, folder); err != nil {
		return r, err
	}
	r.Store, r.Sandbox = filepath.Join(folder, "store"), filepath.Join(folder, "sandbox")
	if r.Pictures = pictures; pictures != "" {
		return r, os.MkdirAll(pictures, 0o750)
	}
	r.Pictures, err = os.MkdirTemp("", "amsbridge-e2e-pictures-")
	return r, err
}
