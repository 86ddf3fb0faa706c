// Command e2e plays the story of examples/store, and of the page of
// examples/sandbox, in headless Chromium, and ends
// with
//
//	e2e ok: scenes=… pages=… csp=0 axe=0
//
// and status 0, or says what failed and where, with pictures, and ends with
// status 1. From the root of the repository:
//
//	go run ./proof/cmd/e2e
//
// On a Debian machine root needs nothing else: Chromium and npm are installed
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
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/amsbridge/amsbridge/proof/e2e/install"
	"github.com/amsbridge/amsbridge/proof/e2e/scenes"
	"github.com/amsbridge/amsbridge/proof/e2e/stage"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are the command line's.
type options struct {
	shots, only string
	jobs        int
	atMost      time.Duration
}

func run(ctx context.Context, args []string, out, problems io.Writer) int {
	var o options
	flags := flag.NewFlagSet("e2e", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.StringVar(&o.shots, "shots", "", "folder for the pictures (default a new one in the temporary folder)")
	flags.StringVar(&o.only, "run", "", "play only the scenes whose name matches this regular expression")
	flags.IntVar(&o.jobs, "jobs", 2, "how many scenes are played at the same time")
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

// play plays the scenes, and tells of each as it ends.
func play(ctx context.Context, o options, out io.Writer) (tally scenes.Tally, err error) {
	only, err := regexp.Compile(o.only)
	switch {
	case err != nil:
		return tally, fmt.Errorf("-run: %w", err)
	case o.jobs < 1:
		return tally, errors.New("-jobs is not at least 1")
	}
	crew, remove, err := prepare(ctx, o.shots, out)
	if err != nil {
		return tally, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	if err := crew.Calibrate(ctx); err != nil {
		return tally, err
	}
	var mu sync.Mutex
	var playing sync.WaitGroup
	free := make(chan struct{}, o.jobs)
	for _, scene := range scenes.All() {
		if !only.MatchString(scene.Name) {
			continue
		}
		free <- struct{}{}
		playing.Go(func() {
			defer func() { <-free }()
			result := crew.Play(ctx, scene)
			mu.Lock()
			defer mu.Unlock()
			tally.Add(result)
			_, _ = fmt.Fprintf(out, "%s\n", result)
		})
	}
	playing.Wait()
	_, _ = fmt.Fprintln(out, "pictures:", crew.Shots)
	return tally, nil
}

// prepare finds or makes all that the scenes need; remove takes the built
// programs away again.
func prepare(ctx context.Context, shots string, out io.Writer) (crew scenes.Crew, remove func() error, err error) {
	if crew.Chromium, err = install.Chromium(ctx, out); err != nil {
		return crew, nil, err
	}
	if crew.Axe, err = install.Axe(ctx, out); err != nil {
		return crew, nil, err
	}
	if crew.Shots = shots; shots == "" {
		crew.Shots, err = os.MkdirTemp("", "amsbridge-e2e-shots-")
	} else {
		err = os.MkdirAll(shots, 0o750)
	}
	if err != nil {
		return crew, nil, err
	}
	built, err := os.MkdirTemp("", "amsbridge-e2e-programs-")
	if err != nil {
		return crew, nil, err
	}
	remove = func() error { return os.RemoveAll(built) }
	for example, file := range map[string]*string{"store": &crew.Store, "sandbox": &crew.Sandbox} {
		if *file, err = stage.Build(ctx, built, example); err != nil {
			return crew, nil, errors.Join(err, remove())
		}
	}
	return crew, remove, nil
}
