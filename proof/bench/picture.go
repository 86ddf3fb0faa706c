package bench

import (
	"fmt"
	"html"
	"strings"
)

// bar is one system in a panel of the picture.
type bar struct {
	name  string
	value float64
	text  string
}

// panel compares systems at one thing.
type panel struct {
	title string
	bars  []bar
}

// ours is what the picture calls this project.
const ours = "amsbridge"

// Picture draws the peers side by side as SVG, from the medians of a run's rows by pgx. It is empty where the run
// did not measure them all.
func Picture(rows []Row) string {
	panels, ok := panels(rows)
	if !ok {
		return ""
	}
	const width, left, right, high = 760, 190, 150, 24
	var b strings.Builder
	y := 10
	for _, p := range panels {
		most := 0.0
		for _, r := range p.bars {
			most = max(most, r.value)
		}
		y += 22
		fmt.Fprintf(&b, `<text class="title" x="10" y="%d">%s</text>`+"\n", y, html.EscapeString(p.title))
		y += 8
		for _, r := range p.bars {
			class := "peer"
			if r.name == ours {
				class = "ours"
			}
			long := max(1, r.value/most*(width-left-right))
			fmt.Fprintf(&b, `<text class="name" x="%d" y="%d">%s</text><rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/><text class="value" x="%.1f" y="%d">%s</text>`+"\n",
				left-8, y+16, html.EscapeString(r.name), class, left, y+2, long, high-6, float64(left)+long+6, y+16, html.EscapeString(r.text))
			y += high
		}
		y += 8
	}
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="amsbridge beside River, watermill-sql and a bare loop">
<style>
text { font: 13px sans-serif; fill: #1f2328; } .title { font-weight: bold; } .name { text-anchor: end; }
.ours { fill: #1a7f37; } .peer { fill: #8c959f; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .ours { fill: #3fb950; } .peer { fill: #6e7681; } }
</style>
`, width, y)
	return head + b.String() + "</svg>\n"
}

// panels returns what is to be drawn, and whether all of it was measured.
func panels(rows []Row) ([]panel, bool) {
	f := found{rows: rows}
	enqueued := f.median("enqueue: pgx, order with push ÷ order alone")
	drained := f.median("drain, instant answer: pgx ÷ bare go-retryablehttp loop")
	noop := f.median("drain, no-op: pgx ÷ River tuned")
	out := []panel{
		{"Orders a second, the order alone = 1: more is better", []bar{
			share("the order alone", 1), share(ours, enqueued),
			share("watermill-sql", enqueued/f.median("enqueue: pgx, order with push ÷ watermill-sql")),
			share("River", enqueued/f.median("enqueue: pgx, order with push ÷ River InsertTx")),
		}},
		{"Deliveries a second over HTTP, a bare loop = 1: more is better", []bar{
			share("a bare loop", 1), share(ours, drained), share("River", drained/f.median("drain, instant answer: pgx ÷ River tuned")),
		}},
		{"Deliveries a second that do nothing, River = 1: more is better", []bar{
			share(ours, noop), share("watermill-sql, one by one", noop/f.median("drain, no-op: pgx ÷ watermill-sql, one after another")), share("River", 1),
		}},
	}
	for _, q := range []string{"p50", "p99"} {
		name := "commit to arrival: pgx, " + q + " at 50 orders/s ÷ River tuned"
		river := f.base(name)
		out = append(out, panel{"Milliseconds from commit to arrival in the same process, " + q + ": less is better", []bar{
			milliseconds(ours, river*f.median(name)), milliseconds("River", river),
		}})
	}
	return out, !f.missing
}

// found looks rows up by their names.
type found struct {
	rows    []Row
	missing bool
}

func (f *found) row(name string) Row {
	for _, r := range f.rows {
		if r.Name == name {
			return r
		}
	}
	f.missing = true
	return Row{Values: []float64{1}, Base: []float64{1}}
}

func (f *found) median(name string) float64 { return f.row(name).Median() }

func (f *found) base(name string) float64 { return median(f.row(name).Base) }

func share(name string, v float64) bar { return bar{name, v, short(v)} }

func milliseconds(name string, v float64) bar { return bar{name, v, fmt.Sprintf("%.2f ms", v)} }
