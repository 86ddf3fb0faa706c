package outcometest

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// Row is a row of a table of docs.
type Row struct {
	// Reply is what the platform answers, in words.
	Reply string
	// Outcome is the outcome's name, or "by hand".
	Outcome string
	// Happens is what the sender does with the message: one of the constants.
	Happens string
	// Reads is what the operator reads. It may end with "…".
	Reads string
}

// Each plays every row of the tables in a file of docs whose first column is
// "Reply", in a subtest each. It fails for a row that is there twice, for one
// that nothing plays and for what is played and not documented.
func Each[T any](t *testing.T, file string, played map[string]T, play func(t *testing.T, r Row, how T)) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range rows(t, file) {
		require.False(t, seen[r.Reply], "%q is there twice", r.Reply)
		seen[r.Reply] = true
		how, ok := played[r.Reply]
		require.True(t, ok, "no test plays the row %q", r.Reply)
		t.Run(r.Reply, func(t *testing.T) {
			t.Parallel()
			play(t, r, how)
		})
	}
	for name := range played {
		require.True(t, seen[name], "%q is not in the docs", name)
	}
}

func rows(t *testing.T, file string) (rows []Row) {
	t.Helper()
	doc, err := os.ReadFile(file)
	require.NoError(t, err)
	in := false
	for line := range strings.Lines(string(doc)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			in = false
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case cells[0] == "Reply":
			in = true
		case in && !strings.HasPrefix(line, "|---"):
			require.Len(t, cells, 4, line)
			rows = append(rows, Row{cells[0], cells[1], cells[2], strings.Trim(cells[3], "`")})
		}
	}
	require.NotEmpty(t, rows)
	return rows
}

// RequireEnding asks that what a platform returned is the row's outcome, and that the operator reads of
// it what the row says. Of a success that is its receipt and the notice, which is the platform's own
// words at the head of the detail. An outcome after a part took effect ends with ", partly".
func (r Row) RequireEnding(t *testing.T, result outbox.Result, notice string, err error) {
	t.Helper()
	outcome, reads, partly := outbox.OutcomeDelivered.String(), "", false
	var d *outbox.DeliveryError
	var task *amsbridge.ByHandError
	switch {
	case errors.As(err, &d):
		outcome, reads, partly = d.Outcome.String(), d.Error(), d.Partly
	case errors.As(err, &task):
		outcome, reads, partly = "by hand", task.Error(), task.Partly
	default:
		require.NoError(t, err)
		if result.AlreadyDone {
			outcome = outbox.OutcomeAlreadyDone.String()
		}
		reads = fmt.Sprintf("%s (%s)", outcome, result.Code)
		if len(result.Receipt) > 0 {
			reads += fmt.Sprintf(", receipt %s", result.Receipt)
		}
		if notice != "" {
			reads += ": " + notice
		}
	}
	if partly {
		outcome += ", partly"
	}
	require.Equal(t, r.Outcome, outcome)
	if start, open := strings.CutSuffix(r.Reads, "…"); open {
		require.True(t, strings.HasPrefix(reads, start), reads)
	} else {
		require.Equal(t, r.Reads, reads)
	}
}
