package elevate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

// sends is the history of one message: what became of each send before the last.
type sends struct {
	outcomes []outbox.Outcome
	lost     bool // the first send's session was lost
	backfill bool
	had      bool
	repeats  []bool // ConfirmRepeats; false if empty
}

// confirmationRows are the rows of the docs' second kind of table.
var confirmationRows = map[string]sends{
	"The first one":                       {repeats: []bool{false, true}},
	"After an attempt that ended unknown": {outcomes: []outbox.Outcome{outbox.OutcomeUnknown}},
	"The same, with ConfirmRepeats":       {outcomes: []outbox.Outcome{outbox.OutcomeUnknown}, repeats: []bool{true}},
	"After a lost session: the sender died, and had perhaps not begun": {
		lost: true,
	},
	"After a throttled, unavailable or unauthorized attempt": {
		outcomes: []outbox.Outcome{outbox.OutcomeThrottled, outbox.OutcomeUnavailable, outbox.OutcomeUnauthorized},
	},
	"After a rejected attempt, sent again by an operator": {outcomes: []outbox.Outcome{outbox.OutcomeRejected}},
	"After one that was rejected, then one that ended unknown": {
		outcomes: []outbox.Outcome{outbox.OutcomeRejected, outbox.OutcomeUnknown},
	},
	"Of a backfilled order, with ConfirmRepeats or without": {backfill: true, repeats: []bool{false, true}},
	"Where another order, line or turn may have brought the product, with ConfirmRepeats or without": {
		had: true, repeats: []bool{false, true},
	},
}

func TestDocumentedConfirmationMails(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/outcomes-elevate.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(doc), "| Send | Asks for a mail |\n|---|---|\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(table, "\n")
	require.Len(t, rows, len(confirmationRows))
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		require.Len(t, cells, 2, row)
		story, ok := confirmationRows[cells[0]]
		require.True(t, ok, "no test plays the row %q", cells[0])
		if story.repeats == nil {
			story.repeats = []bool{false}
		}
		for _, repeats := range story.repeats {
			t.Run(cells[0], func(t *testing.T) {
				t.Parallel()
				cfg := config("https://elevate.example.org/api")
				cfg.ConfirmRepeats = repeats
				on := newClient(t, cfg)
				cfg.SendConfirmation = false
				off := newClient(t, cfg)
				synctest.Test(t, func(t *testing.T) {
					require.Equal(t, cells[1] == "yes", story.lastAsks(t, on))
					require.False(t, story.lastAsks(t, off), "without SendConfirmation none is ever asked for")
				})
			})
		}
	}
}

// lastAsks replays the history with a sender, and tells whether the last send asks for a mail. It uses
// previews instead of calls, since a synctest bubble has no network; TestPreviewIsWhatGiveSends
// shows that they are equal.
func (s sends) lastAsks(t *testing.T, client *elevate.Client) (asks bool) {
	store := &losing{Memory: outboxtest.NewMemory(outboxtest.MemoryConfig{}), lose: s.lost}
	ended, n := false, 0
	sender, err := outbox.NewSender(store, outbox.SenderConfig{
		Destinations: outbox.Fixed{"elevate": deliverFunc(func(m outbox.Message) (outbox.Result, error) {
			g, err := amsbridge.DecodeGrant(m)
			require.NoError(t, err)
			g.Had = s.had
			p, err := client.Preview(g)
			require.NoError(t, err)
			require.Equal(t, m.Key, p.Header.Get("Amsbridge-Key"))
			var body map[string]any
			require.NoError(t, json.Unmarshal(p.Body, &body))
			n++
			asks = body["send_confirmation_email"].(bool)
			if n <= len(s.outcomes) {
				return outbox.Result{}, &outbox.DeliveryError{Outcome: s.outcomes[n-1], Reason: "so"}
			}
			ended = n > len(s.outcomes) && (!s.lost || n == 2)
			return outbox.Result{}, nil
		})},
		Poll: time.Minute, Session: 10 * time.Minute, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Alarm: func(context.Context, outbox.Alarm) {},
	})
	require.NoError(t, err)
	tx := store.Begin()
	inserted, err := store.InsertTx(t.Context(), tx, outbox.Message{
		Destination: "elevate", Key: "key-1", Kind: amsbridge.KindGive, Version: 1, Person: "u-7",
		Subject: "order-1", Items: []string{"line-1"},
		Facts: fmt.Appendf(nil, `{"user_id":"u-7","item":{"remote_product_id":"COURSE-1"},"turn":1,"backfill":%t}`,
			s.backfill),
		Profile: []byte(`{"first_name":"Ada","last_name":"Byron","email":"ada@example.org"}`),
	})
	require.NoError(t, err)
	require.NoError(t, tx.Commit())

	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- sender.Run(ctx) }()
	for range 2 {
		time.Sleep(time.Hour) // passes at once: the bubble has its own clock
		synctest.Wait()
		found, err := store.Find(t.Context(), outbox.Query{IDs: []outbox.ID{inserted[0].ID}})
		require.NoError(t, err)
		if found[0].State == outbox.StateParked {
			require.NoError(t, store.Act(t.Context(), outbox.Action{
				Verb: outbox.VerbSendAgain, ID: inserted[0].ID, Actor: outbox.Actor{Name: "ann"}, Reason: "mended",
			}))
			sender.Wake()
		}
	}
	stop()
	require.NoError(t, <-stopped)
	require.True(t, ended, "the story came to its end")
	return asks
}

type deliverFunc func(outbox.Message) (outbox.Result, error)

func (f deliverFunc) Deliver(_ context.Context, m outbox.Message) (outbox.Result, error) { return f(m) }

// losing is a queue that ends the session at the first settlement, as if its sender had died.
type losing struct {
	*outboxtest.Memory
	mu   sync.Mutex
	lose bool
}

func (l *losing) Settle(ctx context.Context, settling outbox.Settling) (outbox.Settled, error) {
	l.mu.Lock()
	lost := l.lose && len(settling.Batch) > 0
	l.lose = l.lose && !lost
	l.mu.Unlock()
	if lost {
		if err := l.Leave(ctx, settling.Session); err != nil {
			return outbox.Settled{}, err
		}
	}
	return l.Memory.Settle(ctx, settling)
}
