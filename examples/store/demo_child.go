package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/examples/store/platforms"
	"github.com/amsbridge/amsbridge/examples/store/shop"
)

// childVariable is the environment variable that makes this program a shop of
// the demo: a childJob in JSON.
const childVariable = "AMSBRIDGE_STORE_CHILD"

// childJob is what a shop of the demo does.
type childJob struct {
	DSN    string
	Access platforms.Access
	// Sending has it run a sender.
	Sending bool
	// RollBack and Place are orders, none where the ID is empty. The first is
	// rolled back after the hook was called, the second is committed.
	RollBack, Place shop.Order
}

// childReport is the line that a child prints when its orders are done.
type childReport struct {
	PID    int
	Report *amsbridge.Report // of Place
}

// errDeclined is why an order is rolled back.
var errDeclined = errors.New("the card was declined")

// playChild is the shop of the demo. It ends when its input does: by the
// parent's will, or with the parent.
func playChild(ctx context.Context, text string, in io.Reader, out io.Writer) (err error) {
	var job childJob
	if err := json.Unmarshal([]byte(text), &job); err != nil {
		return fmt.Errorf("the job cannot be read: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	db, err := shop.OpenDatabase(ctx, job.DSN)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	bridge, err := wire(ctx, db, job.Access, demoSender())
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	if job.Sending {
		go func() { sent <- bridge.sender.Run(ctx) }()
	} else {
		sent <- nil
	}
	report := childReport{PID: os.Getpid()}
	till := shop.Till{DB: db, Hook: bridge.hook}
	if job.RollBack.ID != "" {
		if err := placeAndRollBack(ctx, till, job.RollBack); !errors.Is(err, errDeclined) {
			return fmt.Errorf("an order was to be rolled back: %w", err)
		}
	}
	if job.Place.ID != "" {
		if report.Report, err = till.Place(ctx, job.Place); err != nil {
			return err
		}
	}
	if err := json.NewEncoder(out).Encode(report); err != nil {
		return err
	}
	<-ctx.Done()
	return <-sent
}

// placeAndRollBack changes its mind after the hook was called.
func placeAndRollBack(ctx context.Context, t shop.Till, o shop.Order) error {
	return sqlstore.InTx(ctx, t.DB.DB, t.Hook.Wake, func(tx *sql.Tx) error {
		if _, err := t.Record(ctx, tx, o); err != nil {
			return err
		}
		return errDeclined
	})
}

// child is a shop in a process of its own.
type child struct {
	cmd    *exec.Cmd
	input  io.Closer
	report childReport
	ended  chan struct{}
	err    error // of the process; set once ended is closed
	stderr bytes.Buffer
}

// start runs a child and waits for its report.
func (d *demo) start(ctx context.Context, job childJob) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	job.DSN, job.Access = d.dsn, d.sites.Access
	text, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.CommandContext(ctx, program), ended: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	c.cmd.Stderr = &c.stderr
	reports, said := io.Pipe()
	c.cmd.Stdout = said
	if c.input, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the shop: %w", err)
	}
	go func() {
		c.err = c.cmd.Wait()
		_ = said.Close() // never fails
		close(c.ended)
	}()
	// A shop that says nothing is killed, which ends the reading.
	late := time.AfterFunc(stepTimeout, c.kill)
	defer late.Stop()
	err = json.NewDecoder(reports).Decode(&c.report)
	go func() { _, _ = io.Copy(io.Discard, reports) }() // what stays unread would keep the end from being seen
	if err != nil {
		c.kill()
		return nil, fmt.Errorf("the shop did not report: %w", c.problem())
	}
	return c, nil
}

// kill sends SIGKILL and waits for the end.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may have ended by itself
	<-c.ended
}

// stop ends the child in good order: its sender settles what is under way.
func (c *child) stop() error {
	if err := c.input.Close(); err != nil {
		return err
	}
	select {
	case <-c.ended:
	case <-time.After(stepTimeout):
		c.kill()
		return errors.New("the shop did not stop")
	}
	if c.err != nil {
		return fmt.Errorf("the shop did not stop in good order: %w", c.problem())
	}
	return nil
}

// problem says how the child ended, with what it wrote to its standard error.
func (c *child) problem() error {
	<-c.ended
	return fmt.Errorf("%v: %s", c.cmd.ProcessState, strings.TrimSpace(c.stderr.String()))
}
