// Command withdb starts a server of each database engine and installs PgBouncer,
// runs a command that finds them through its environment (package testdb), stops
// them again, and says what was tested:
//
//	go run ./proof/cmd/withdb -- go test work
//
// It exits with the command's status. Where CI is "true", an engine that is
// missing is a failure too.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/amsbridge/amsbridge/proof/testdb"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) (status int) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: withdb -- command [argument...]")
		return 2
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()

	report := "tested: sqlite\n"
	env := os.Environ()
	complete := true
	for _, engine := range testdb.Engines() {
		server, err := testdb.Start(ctx, engine, testdb.Options{Install: true, Log: os.Stderr})
		var missing *testdb.MissingError
		switch {
		case errors.As(err, &missing):
			report += fmt.Sprintf("not tested: %s (%s)\n", engine, missing.Reason)
			env = append(env, engine.Variable()+"="+testdb.None)
			complete = false
			continue
		case err != nil:
			fmt.Fprintln(os.Stderr, "withdb:", err)
			return 1
		}
		defer func() {
			if err := server.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, "withdb: stop", engine, err)
				status = max(status, 1)
			}
		}()
		report += fmt.Sprintf("tested: %s\n", engine)
		env = append(env, engine.Variable()+"="+server.DSN)
	}

	var missing *testdb.MissingError
	switch err := testdb.HaveBouncer(ctx, testdb.Options{Install: true, Log: os.Stderr}); {
	case errors.As(err, &missing):
		report += fmt.Sprintf("not tested: %s (%s)\n", missing.Engine, missing.Reason)
		complete = false
	case err != nil:
		fmt.Fprintln(os.Stderr, "withdb:", err)
		return 1
	default:
		report += fmt.Sprintf("tested: %s\n", testdb.PgBouncer)
	}

	status = child(ctx, args, env)
	fmt.Print(report)
	if status == 0 && !complete && os.Getenv("CI") == "true" {
		return 1
	}
	return status
}

// child runs the command. An interrupt is passed on; the servers stay until it
// has ended.
func child(ctx context.Context, args, env []string) int {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	err := cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code > 0 {
		return code
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "withdb:", err)
		return 1
	}
	return 0
}
