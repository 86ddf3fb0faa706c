package sqlcore

import (
	"fmt"

	"github.com/amsbridge/amsbridge/outbox"
)

// destinationState is a row of amsbridge_destination, as it bears on sending.
type destinationState struct {
	name               string
	pausing            outbox.Pausing
	held, probe, until int64 // held_until, probe_at, breaker_until
	broken             bool
	spent              int64  // what outbox.Rate.Spend returned
	why                string // everything is paused by itself
}

const destinationStateColumns = "name, pausing, held_until, probe_at, breaker <> 0, breaker_until, rate_window"

func (d *destinationState) scan(r Rows, more ...any) error {
	var name text
	err := r.Scan(append([]any{&name, &d.pausing, &d.held, &d.probe, &d.broken, &d.until, &d.spent}, more...)...)
	d.name = string(name)
	return err
}

// closed tells whether the destination may not be sent to freely.
func (d *destinationState) closed(now int64) (outbox.Closed, bool) {
	c := outbox.Closed{
		Destination: d.name, ByOperator: d.pausing == outbox.PausedByOperator, Reason: d.why,
		Probing: d.pausing == outbox.PausedByItself || d.broken,
	}
	if c.ByOperator {
		c.Probing = false
		return c, true
	}
	if d.name == "" {
		c.Probing = false
		return c, d.pausing != outbox.NotPaused
	}
	until := d.held
	if d.pausing == outbox.PausedByItself {
		until = max(until, d.probe)
	}
	if d.broken {
		until = max(until, d.until)
	}
	c.For = max(0, micros(until-now))
	return c, c.Probing || c.For > 0
}

// closedIf is the condition of a row g of amsbridge_destination that it may not be sent to: by a flight that
// is no probe, or by one that is, where probe is 1.
func closedIf(now, probe string) string {
	return fmt.Sprintf(`(g.pausing = 2 OR g.held_until > %[1]s
		OR ((g.pausing = 1 OR g.breaker = 1) AND %[2]s = 0))`, now, probe)
}

// everythingPaused is the condition that everything is paused: its row has an empty name.
const everythingPaused = `EXISTS (SELECT 1 FROM amsbridge_destination e WHERE e.name = CAST('' AS {bytes}) AND e.pausing <> 0)`

// probeIf is the condition of a row that a probe of it is due: ?2 is its name, and early is 1 where a pause
// that it took by itself need not be over.
const probeIf = `name = ?2 AND pausing <> 2 AND held_until <= {now} AND (pausing = 1 OR breaker = 1)
	AND (pausing <> 1 OR ?4 = 1 OR probe_at <= {now}) AND (breaker <> 1 OR breaker_until <= {now})`
