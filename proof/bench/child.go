package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// childVariable tells a copy of this program that it is a sender.
const childVariable = "AMSBRIDGE_BENCH_CHILD"

// task is what a sender of its own process is to do.
type task struct {
	Engine, DSN string
	// Platform is the URL to deliver to; empty for nowhere.
	Platform string
	// Until is how many deliveries end it; 0 for as long as its input lasts.
	Until int64
}

// done is what it came to.
type done struct {
	Delivered int64
	PeakRSS   int64 // bytes
}

// Child does a sender's work and returns true, if that is what this process was
// started for. Programs that measure call it first.
func Child(ctx context.Context) (bool, error) {
	text := os.Getenv(childVariable)
	if text == "" {
		return false, nil
	}
	var t task
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return true, err
	}
	d, err := t.run(ctx)
	if err != nil {
		return true, err
	}
	return true, json.NewEncoder(os.Stdout).Encode(d)
}

func (t task) run(ctx context.Context) (d done, err error) {
	e, err := engineNamed(t.Engine)
	if err != nil {
		return d, err
	}
	o, err := e.open(ctx, t.DSN, false)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	counted := &forwarding{to: &noop{}}
	if t.Platform != "" {
		client, err := elevateAt(t.Platform, workers)
		if err != nil {
			return d, err
		}
		defer client.CloseIdleConnections()
		counted.to = straight{client}
	}
	s, err := send(ctx, o, outbox.SenderConfig{Destinations: everywhere{counted}, Concurrency: workers})
	if err != nil {
		return d, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, os.Stdin) // an error ends it as well
	}()
	err = s.await(ctx, func() (bool, error) {
		select {
		case <-ended:
			return true, nil
		default:
			return t.Until > 0 && counted.calls.Load() >= t.Until, nil
		}
	})
	if err := errors.Join(err, s.stop()); err != nil {
		return d, err
	}
	d.Delivered = counted.calls.Load()
	d.PeakRSS, err = peakRSS()
	return d, err
}

// forwarding counts.
type forwarding struct {
	noop
	to outbox.Destination
}

// Deliver implements [outbox.Destination].
func (f *forwarding) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	res, err := f.to.Deliver(ctx, m)
	if err == nil {
		f.calls.Add(1)
	}
	return res, err
}

// peakRSS is the most memory that this process had resident, by Linux.
func peakRSS() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if kib, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kib), "kB")), 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.New("bench: /proc/self/status has no VmHWM")
}

// start starts this program anew as a sender. stop ends its input and returns
// what it did; wait only waits.
func (t task) start(ctx context.Context) (wait, stop func() (done, error), err error) {
	text, err := json.Marshal(t)
	if err != nil {
		return nil, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	wait = func() (d done, err error) {
		if err := cmd.Wait(); err != nil {
			return d, fmt.Errorf("bench: the sender's process: %w", err)
		}
		return d, json.Unmarshal([]byte(out.String()), &d)
	}
	stop = func() (done, error) {
		closed := stdin.Close()
		d, err := wait()
		return d, errors.Join(err, closed)
	}
	return wait, stop, nil
}
