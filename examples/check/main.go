// Command check looks at real accounts of Elevate and Notified by harmless reads,
// and says in plain words what is right, what is wrong, and what cannot be told
// without a write. It registers nobody and changes nothing. From the root of the
// repository:
//
//	go run ./examples/check -sandbox
//
// checks two sandboxes that it starts itself, to see what it says. For accounts of
// yours, name what you have; a platform that nothing names is left out:
//
//	go run ./examples/check \
//		-elevate-endpoint https://learn.example.org/api/registration -elevate-profile profile.json \
//		-elevate-report https://learn.example.org/api/reports/ -elevate-products course-101,course-102 \
//		-notified-show 4711 -notified-package 4712 -notified-add-ons 9985,10342 -notified-user U-1001
//
// Credentials come from the environment alone, since flags are seen by everyone on
// the machine: AMSBRIDGE_ELEVATE_KEY, or AMSBRIDGE_ELEVATE_USER and
// AMSBRIDGE_ELEVATE_PASSWORD where the profile says "basic";
// AMSBRIDGE_ELEVATE_REPORT_KEY, which defaults to the former;
// AMSBRIDGE_NOTIFIED_AUTH_CODE and AMSBRIDGE_NOTIFIED_CREDENTIALS. None is ever
// printed.
//
// The exit status is 0 when nothing is wrong, 1 when something is, and 2 when the
// check cannot be made as it was asked for.
//
// main.go prints, options.go reads flags and environment, clients.go sets up what is
// checked, sandbox.go starts the sandboxes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"
	"unicode"

	"github.com/amsbridge/amsbridge/adapters/contract"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// patience bounds the whole check. A report of Elevate's may take a while.
const patience = 5 * time.Minute

func run(ctx context.Context, args []string, env func(string) string, out, problems io.Writer) int {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	o, err := parse(args, env, problems)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errFlags):
		return 2 // package flag has said what is wrong
	case err == nil && o.sandbox:
		var end func()
		if end, err = o.useSandboxes(ctx); err == nil {
			defer end()
		}
	}
	var checks []check
	if err == nil {
		checks, err = o.checks()
	}
	if err != nil {
		_, _ = fmt.Fprintln(problems, "check:", err)
		return 2
	}
	counts := map[contract.State]int{}
	for _, c := range checks {
		_, _ = fmt.Fprintln(out, c.platform)
		for _, f := range c.run(ctx) {
			counts[f.State]++
			line := strings.TrimPrefix(f.String(), string(f.State)+": ")
			_, _ = fmt.Fprintf(out, "  %-11s  %s\n", f.State, inert(line))
		}
	}
	_, _ = fmt.Fprintf(out, "%d good, %d wrong, %d not checked\n",
		counts[contract.Good], counts[contract.Wrong], counts[contract.NotChecked])
	switch {
	case counts[contract.Wrong] > 0:
		return 1
	case ctx.Err() != nil:
		_, _ = fmt.Fprintln(problems, "check: it was ended before all was looked at")
		return 2
	}
	return 0
}

// inert shows what a platform's text could do to a terminal as a box: no line end, no cursor that moves, no
// direction of reading that turns.
func inert(line string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, line)
}
