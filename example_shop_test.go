package amsbridge_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// exampleShop is a shop for the examples, which prints what it is told. Its store is in memory, where
// yours is in your database, and its platform notes who has what: "anna 7/1" has the add-on 1 of show 7,
// and "anna r1" the product r1 of Elevate.
type exampleShop struct {
	store    *outboxtest.Memory
	catalog  products
	platform *platform
	hook     *amsbridge.Hook[*outboxtest.Tx]
	sender   *outbox.Sender
	operator *outbox.Operator
}

// newExampleShop sells what the tests' catalogue has. Options change the hook's configuration.
func newExampleShop(options ...func(*amsbridge.HookConfig)) *exampleShop {
	s := &exampleShop{
		store: outboxtest.NewMemory(outboxtest.MemoryConfig{}), catalog: catalogue(),
		platform: &platform{has: map[string]bool{}},
	}
	cfg := amsbridge.HookConfig{Catalog: s.catalog, Logger: slog.New(slog.DiscardHandler)}
	for _, o := range options {
		o(&cfg)
	}
	var err error
	s.hook, err = amsbridge.NewHook(s.store, cfg)
	printError(err)
	to, err := amsbridge.NewDestination(s.store, s.platform, amsbridge.DestinationConfig{})
	printError(err)
	s.sender, err = outbox.NewSender(s.store, outbox.SenderConfig{
		Destinations: outbox.Fixed{"elevate": to, "notified": to}, Logger: slog.New(slog.DiscardHandler),
	})
	printError(err)
	s.operator, err = outbox.NewOperator(s.store, outbox.OperatorConfig{
		EraseKey: outbox.NewSecret([]byte("thirty-two random bytes, or more")),
	})
	printError(err)
	return s
}

func printError(err error) {
	if err != nil {
		fmt.Println(err)
	}
}

// inTx runs a call of the hook in a transaction, as your shop does after its own write of the order, and
// prints the report.
func (s *exampleShop) inTx(call func(tx *outboxtest.Tx) (*amsbridge.Report, error)) {
	tx := s.store.Begin()
	report, err := call(tx)
	printError(err)
	if err != nil {
		tx.Rollback()
		return
	}
	printError(tx.Commit())
	printReport(report)
}

func printReport(report *amsbridge.Report) {
	if report.Stale {
		fmt.Println("the report comes late")
	}
	for _, e := range report.Entries {
		about := "the order"
		if e.LineID != "" {
			about = "line " + e.LineID
		}
		if e.Person != "" {
			about += ", " + string(e.Person)
		}
		said := string(e.Did)
		if e.Item != "" {
			said += ", " + e.Item
		}
		if e.Text != "" {
			said += ": " + e.Text
		}
		fmt.Printf("%s: %s\n", about, said)
	}
}

// report says what an order is now.
func (s *exampleShop) report(order amsbridge.Order) {
	s.inTx(func(tx *outboxtest.Tx) (*amsbridge.Report, error) {
		return s.hook.OrderCompleted(context.Background(), tx, order)
	})
}

func (s *exampleShop) refund(refund amsbridge.Refund) {
	s.inTx(func(tx *outboxtest.Tx) (*amsbridge.Report, error) {
		return s.hook.OrderRefunded(context.Background(), tx, refund)
	})
}

func (s *exampleShop) reverse(refundID string, order amsbridge.Order) {
	s.inTx(func(tx *outboxtest.Tx) (*amsbridge.Report, error) {
		return s.hook.RefundReversed(context.Background(), tx, refundID, order)
	})
}

// deliver lets the sender work until nothing is pending, and prints what people have then.
func (s *exampleShop) deliver() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- s.sender.Run(ctx) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for s.pending() && ctx.Err() == nil {
		<-tick.C
	}
	printError(ctx.Err())
	cancel()
	printError(<-stopped)
	has := "nobody has anything"
	if all := s.platform.everything(); len(all) > 0 {
		has = "delivered: " + strings.Join(all, ", ")
	}
	fmt.Println(has)
}

func (s *exampleShop) pending() bool {
	pending, err := s.store.Find(context.Background(), outbox.Query{States: []outbox.State{outbox.StatePending}})
	printError(err)
	return len(pending) > 0
}

// todo prints what waits for staff: the open tasks of orders, and the parked messages.
func (s *exampleShop) todo() {
	tasks, err := s.store.Tasks(context.Background(), outbox.TaskQuery{Limit: 100})
	printError(err)
	for _, t := range tasks {
		fmt.Printf("task of order %s: %s\n", t.Subject, t.Text)
	}
	parked, err := s.store.Find(context.Background(), outbox.Query{States: []outbox.State{outbox.StateParked}})
	printError(err)
	for _, m := range parked {
		fmt.Printf("parked, order %s: %s\n", m.Subject, m.Reason)
	}
	if len(tasks)+len(parked) == 0 {
		fmt.Println("nothing waits for staff")
	}
}
