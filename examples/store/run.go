package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/amsbridge/amsbridge/examples/internal/server"
	"github.com/amsbridge/amsbridge/examples/store/platforms"
	"github.com/amsbridge/amsbridge/examples/store/shop"
	"github.com/amsbridge/amsbridge/examples/store/web"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are the command line's.
type options struct {
	addr, elevateAddr, notifiedAddr string
	dsn                             string
	demo, json                      bool
}

func run(ctx context.Context, args []string, out, problems io.Writer) int {
	var o options
	flags := flag.NewFlagSet("store", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "where the shop listens; a free port is taken when it is in use")
	flags.StringVar(&o.elevateAddr, "elevate", "", "where Elevate's sandbox listens (default the shop's host, port 8081, or a free one with -addr …:0)")
	flags.StringVar(&o.notifiedAddr, "notified", "", "where Notified's sandbox listens (default likewise, port 8082)")
	flags.StringVar(&o.dsn, "db", "", "postgres://… or a SQLite file (default a new SQLite file in the temporary folder)")
	flags.BoolVar(&o.demo, "demo", false, "play the story without a browser")
	flags.BoolVar(&o.json, "json", false, "print the addresses as one line of JSON, for programs")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	err := o.sandboxAddrs()
	switch job := os.Getenv(childVariable); {
	case err != nil:
	case job != "":
		err = playChild(ctx, job, os.Stdin, out)
	case o.demo:
		err = playDemo(ctx, o.dsn, out)
	default:
		err = serve(ctx, o, out)
	}
	if err != nil {
		_, _ = fmt.Fprintln(problems, "store:", err)
		return 1
	}
	return 0
}

// sandboxAddrs says where the sandboxes listen, unless a flag did.
func (o *options) sandboxAddrs() error {
	host, port, err := net.SplitHostPort(o.addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	for _, a := range []struct {
		addr *string
		port string
	}{{&o.elevateAddr, "8081"}, {&o.notifiedAddr, "8082"}} {
		switch {
		case *a.addr != "":
		case port == "0":
			*a.addr = net.JoinHostPort(host, "0")
		default:
			*a.addr = net.JoinHostPort(host, a.port)
		}
	}
	return nil
}

// serve runs the shop and both sandboxes until ctx ends.
func serve(ctx context.Context, o options, out io.Writer) (err error) {
	db, err := shop.OpenDatabase(ctx, o.dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keys, err := newKeys()
	if err != nil {
		return err
	}
	listener, err := web.Listen(o.addr)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // again, where the server has closed it
	base := "http://" + listener.Addr().String()
	sandboxes, err := platforms.Start(platforms.Config{
		ElevateAddr: o.elevateAddr, NotifiedAddr: o.notifiedAddr,
		Issuer: shopIssuer, Audience: elevateAudience, Keys: keys, Origins: originsOf(listener.Addr()), Log: slog.Default(),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sandboxes.Close()) }()
	bridge, err := wire(ctx, db, sandboxes.Access, demoSchedule())
	if err != nil {
		return err
	}
	handler, err := openShop(ctx, base, db, bridge, keys, sandboxes)
	if err != nil {
		return err
	}
	srv := server.New(handler)

	// The sender stops after the server: what the last orders queued is taken up
	// as far as it goes, and the rest is sent after the next start.
	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSending()
	sent, served := make(chan error, 1), make(chan error, 1)
	go func() { sent <- bridge.sender.Run(sending) }()
	go func() { served <- srv.Serve(listener) }()
	if err := o.welcome(out, base, sandboxes, db.Where); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = errors.Join(err, srv.Shutdown(bound))
	stopSending()
	return errors.Join(err, <-sent) // Run has settled what was under way
}

// originsOf are the shop's: by the address that it prints, and by the name that
// one may type instead. Browsers leave out the port 80.
func originsOf(at net.Addr) (all []string) {
	_, port, _ := net.SplitHostPort(at.String()) // a listener's has one
	for _, host := range []string{at.String(), net.JoinHostPort("localhost", port)} {
		all = append(all, "http://"+strings.TrimSuffix(host, ":80"))
	}
	return all
}

// welcome prints where everything is.
func (o options) welcome(out io.Writer, base string, sandboxes *platforms.Platforms, orders string) error {
	if o.json {
		return json.NewEncoder(out).Encode(map[string]string{
			"shop": base, "elevate": sandboxes.Elevate.URL, "notified": sandboxes.Notified.URL, "orders": orders,
		})
	}
	_, err := fmt.Fprintf(out, "the shop:            %s/\nElevate's sandbox:   %s/\nNotified's sandbox:  %s/\nthe orders:          %s\n"+
		"Sign in at the shop, buy something, and open \"my learning\". Break a platform on its page /sandbox. Ctrl-C ends it.\n",
		base, sandboxes.Elevate.URL, sandboxes.Notified.URL, orders)
	return err
}
