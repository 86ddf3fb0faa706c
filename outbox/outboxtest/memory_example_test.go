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

	req := outbox.ClaimRequest{Token: outbox.NewToken(), Lease: time.Minute, Limit: 10, DestinationLimit: 10}
	claim, err := store.Claim(ctx, req)
	fmt.Println(len(claim.Leased), err)

	acknowledged, err := store.Settle(ctx, []outbox.Settlement{{
		Message: claim.Leased[0].Message, Token: req.Token, State: outbox.StateDelivered, Outcome: outbox.OutcomeDelivered,
	}})
	fmt.Println(len(acknowledged), err)

	found, err := store.Find(ctx, outbox.Query{Person: "U-7"})
	fmt.Println(found[0].State, err)
	// Output:
	// <nil> <nil>
	// 1 <nil>
	// 1 <nil>
	// delivered <nil>
}
