package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPictureShowsAllPeers(t *testing.T) {
	t.Parallel()
	row := func(name string, ratio float64) Row {
		return Row{Name: name, Values: []float64{ratio}, Base: []float64{10}}
	}
	rows := []Row{
		row("enqueue: pgx, order with push ÷ order alone", 0.5), row("enqueue: pgx, order with push ÷ watermill-sql", 0.8),
		row("enqueue: pgx, order with push ÷ River InsertTx", 1.25), row("drain, instant answer: pgx ÷ bare go-retryablehttp loop", 0.6),
		row("drain, instant answer: pgx ÷ River tuned", 3), row("drain, no-op: pgx ÷ River tuned", 6),
		row("drain, no-op: pgx ÷ watermill-sql, one after another", 1.5),
		row("commit to arrival: pgx, p50 at 50 orders/s ÷ River tuned", 0.05), row("commit to arrival: pgx, p99 at 50 orders/s ÷ River tuned", 0.1),
	}
	svg := Picture(rows)
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	require.Equal(t, 5, strings.Count(svg, `class="ours"`))
	for _, text := range []string{">0.625<", ">0.4<", ">0.2<", ">4<", ">0.50 ms<", ">10.00 ms<"} {
		require.Contains(t, svg, text)
	}
	for i := range rows {
		require.Empty(t, Picture(append(append([]Row{}, rows[:i]...), rows[i+1:]...)), "without %s", rows[i].Name)
	}
}
