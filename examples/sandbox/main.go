// Command sandbox serves a sandbox of Elevate and one of Notified, for a shop in
// any language to point a staging store at. From the root of the repository:
//
//	go run ./examples/sandbox
//
// prints what the shop must set (endpoints, credentials, product IDs, show keys),
// and for each API a curl line that works. Its page, on the same address, shows
// what came in, what is there, and has a form to break each platform.
//
// With -config it serves what a file says; -sample prints the configuration that
// is served without one, to begin with. Credentials that a file leaves out are
// made anew at each start, unless -credentials names a file to keep them in: then
// a staging shop's settings survive a restart. All else is kept in memory and
// forgotten at the end.
//
// The page and the journals have no login, and they show what the shop sends:
// names of members do not belong here, and no sandbox on a network that others
// share. So -addr takes loopback addresses alone, unless -public says that you
// know.
//
// main.go is the whole way. config.go says what a file may hold, load.go reads it,
// and credentials.go keeps credentials; sandboxes.go sets up both servers, welcome.go
// and curl.go print, address.go listens, page.go serves the page and takes its forms, faults.go
// breaks the platforms, and view.go, tables.go, calls.go and web/ show what is there.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/amsbridge/amsbridge/examples/internal/server"
)

//go:embed sample.json
var sample []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, out, problems io.Writer) int {
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	flags.SetOutput(problems)
	addr := flags.String("addr", "127.0.0.1:8090", "where to listen")
	file := flags.String("config", "", "a JSON file that says what there is (default what -sample prints)")
	kept := flags.String("credentials", "", "a `file` that keeps the credentials that are made, for the next start")
	public := flags.Bool("public", false, "allow an -addr that others can reach; the page has no login")
	printSample := flags.Bool("sample", false, "print the sample configuration and end")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		_, _ = fmt.Fprintf(problems, "sandbox: %q is no flag; -h lists them\n", flags.Arg(0))
		return 2
	}
	var err error
	if *printSample {
		_, err = out.Write(sample)
	} else {
		err = serve(ctx, *addr, *file, *kept, *public, out)
	}
	if err != nil {
		_, _ = fmt.Fprintln(problems, "sandbox:", err)
		return 1
	}
	return 0
}

// serve runs both sandboxes and their page until ctx ends.
func serve(ctx context.Context, addr, file, kept string, public bool, out io.Writer) error {
	// 1. What there is.
	cfg, err := load(file, kept)
	if err != nil {
		return err
	}

	// 2. Where it is. The port is the shop's setting, so another one is not taken
	// in silence when it is in use.
	listener, err := listen(ctx, addr, public)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // again, where the server has closed it

	// 3. The platforms, their page, and what a shop must set.
	platforms, err := newSandboxes(cfg, baseURL(cfg, listener))
	if err != nil {
		return err
	}
	page, err := newPage(platforms)
	if err != nil {
		return err
	}
	if err := welcome(out, platforms, public); err != nil {
		return err
	}

	// 4. Serve. At the end the calls that a fault keeps waiting are let go first,
	// or the server would wait for them.
	calls, release := context.WithCancel(context.WithoutCancel(ctx))
	defer release()
	srv := server.New(page.handler(public))
	srv.BaseContext = func(net.Listener) context.Context { return calls }
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	select {
	case <-ctx.Done():
	case err = <-served:
		return err
	}
	release()
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = srv.Shutdown(bound)
	if errors.Is(err, context.DeadlineExceeded) {
		return srv.Close() // cut: an upsert may be as slow as the configuration has it
	}
	return err
}
