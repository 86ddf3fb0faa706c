package outboxtest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// What a sender does with a store, by hand.
func ExampleMemory() {
	ctx := context.Background()
	store := outboxtest.NewMemory(outboxtest.MemoryConfig{})

	tx := store.Begin()
	_, err := store.InsertTx(ctx, tx, registration("k1", "U-7", "line-1"))
	fmt.Println(err, tx.Commit())

	session, err := store.Join(ctx, outbox.Joining{By: "sender-1", Length: time.Minute})
	fmt.Println(session, err)
	pulse, err := store.Beat(ctx, outbox.Beat{Session: session, Take: outbox.Shards})
	fmt.Println(len(pulse.Owned), err)

	read, err := store.Read(ctx, outbox.Reading{Session: session, Shards: pulse.Owned, Limit: 10})
	fmt.Println(len(read.Messages), err)
	m := read.Messages[0]
	recorded, err := store.Record(ctx, outbox.Flight{
		Session: session, N: 1, Messages: []outbox.Queued{{ID: m.ID, Key: m.Key, Destination: m.Destination}},
	})
	fmt.Println(len(recorded.Begun), err)

	settled, err := store.Settle(ctx, outbox.Settling{Session: session, Over: []int64{1}, Batch: []outbox.Settlement{{
		Message: m.Message, State: outbox.StateDelivered, Outcome: outbox.OutcomeDelivered,
	}}})
	fmt.Println(len(settled.Acked), err)
	fmt.Println(store.Leave(ctx, session))

	found, err := store.Find(ctx, outbox.Query{Person: "U-7"})
	fmt.Println(found[0].State, err)
	// Output:
	// <nil> <nil>
	// 1 <nil>
	// 64 <nil>
	// 1 <nil>
	// 1 <nil>
	// 1 <nil>
	// <nil>
	// delivered <nil>
}
