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
		Destination: "elevate", Key: "key-1", Kind: "task/refund", Person: "U-1", Subject: "1001", Version: 1, Facts: []byte("{}"),
		Born: outbox.StateParked, Reason: "Elevate has no known call that cancels a registration",
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
	fmt.Println(operator.SendAgain(ctx, pat, got[0].ID, "try once more"))
	fmt.Println(operator.MarkDone(ctx, pat, got[0].ID, "cancelled by hand on Elevate"))
	audit, err := store.Audit(ctx, 10)
	fmt.Println(audit[0].Actor.Name, "|", audit[0].Verb, "|", audit[0].Reason, err)
	// Output:
	// outbox: message 1: it is work for a person, and is never sent
	// <nil>
	// pat | mark done | cancelled by hand on Elevate <nil>
}
