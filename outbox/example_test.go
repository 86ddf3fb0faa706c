package outbox_test

import (
	"context"
	"fmt"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// printer is a destination.
type printer struct{ done func() }

func (p printer) Deliver(_ context.Context, m outbox.Message) (outbox.Result, error) {
	fmt.Println("deliver", m.Key, "to", m.Destination, "for", m.Person)
	p.done()
	return outbox.Result{Code: "200"}, nil
}

func ExampleSender() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	tx := store.Begin()
	_, err := store.InsertTx(ctx, tx, outbox.Message{
		Destination: "elevate", Key: "key-1", Kind: "greeting", Person: "U-1", Subject: "1001", Version: 1, Facts: []byte("{}"),
	})
	if err != nil || tx.Commit() != nil {
		fmt.Println(err)
		return
	}
	sender, err := outbox.NewSender(store, outbox.SenderConfig{Destinations: outbox.Fixed{"elevate": printer{stop}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("stopped:", sender.Run(ctx)) // it settles what was under way first
	found, err := store.Find(context.Background(), outbox.Query{Subject: "1001"})
	fmt.Println(found[0].State, err)
	// Output:
	// deliver key-1 to elevate for U-1
	// stopped: <nil>
	// delivered <nil>
}

func ExampleOperator() {
	ctx := context.Background()
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
	tx := store.Begin()
	got, err := store.InsertTx(ctx, tx, outbox.Message{
		Destination: "elevate", Key: "key-1", Kind: "registration", Person: "U-1", Subject: "1001", Version: 1, Facts: []byte("{}"),
	})
	if err != nil || tx.Commit() != nil {
		fmt.Println(err)
		return
	}
	operator, err := outbox.NewOperator(store, outbox.OperatorConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	pat := outbox.Actor{Name: "pat", Role: "support"}
	fmt.Println(operator.MarkDone(ctx, pat, got[0].ID, "registered by hand on Elevate"))
	fmt.Println(operator.SendAgain(ctx, pat, got[0].ID, "try once more"))
	audit, err := store.Audit(ctx, outbox.AuditQuery{Limit: 10})
	fmt.Println(audit[0].Actor.Name, "|", audit[0].Verb, "|", audit[0].Reason, err)
	// Output:
	// <nil>
	// outbox: message 1: it is marked done: its profile is deleted, and no look-up is configured
	// pat | mark done | registered by hand on Elevate <nil>
}
