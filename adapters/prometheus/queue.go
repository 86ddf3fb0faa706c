package prometheus

import (
	"context"
	"log/slog"
	"time"

	client "github.com/prometheus/client_golang/prometheus"

	"github.com/amsbridge/amsbridge/outbox"
)

// The metrics that are read from the store.
var (
	messages = client.NewDesc("amsbridge_outbox_messages", "Messages in the queue.", []string{"destination", "state"}, nil)
	inFlight = client.NewDesc("amsbridge_outbox_in_flight", "Pending messages that a sender has in flight.", []string{"destination"}, nil)
	oldest   = client.NewDesc("amsbridge_outbox_oldest_pending_seconds",
		"How long the oldest pending message has waited, by the clocks of database and scraped program.", []string{"destination"}, nil)
	shut = client.NewDesc("amsbridge_outbox_shut_destinations",
		"Destinations that nothing is sent to but probes.", []string{"destination", "by"}, nil)
	openTasks = client.NewDesc("amsbridge_outbox_open_tasks", "Tasks of orders that nobody marked done; a thousand stands for more.", nil, nil)
	readable  = client.NewDesc("amsbridge_outbox_readable", "Whether the store answered.", nil, nil)
)

func describeQueue(to chan<- *client.Desc) {
	for _, d := range []*client.Desc{messages, inFlight, oldest, shut, openTasks, readable} {
		to <- d
	}
}

// The causes for which a destination is shut.
var shutters = [...]string{"refusal", "operator", "platform asked", "breaker"}

// everything is the label of all destinations together, which are paused by an operator, or for this instead of
// the first cause.
const (
	everything          = "everything"
	anotherInstallation = "another installation"
)

// mostTasks is how many open tasks a scrape reads.
const mostTasks = 1000

// standing is the sum of the destinations of one label.
type standing struct {
	outbox.Count
	shut [len(shutters)]int
}

func (m *Metrics) collectQueue(ctx context.Context, to chan<- client.Metric) {
	counts, err := m.cfg.Store.Counts(ctx)
	var states []outbox.DestinationState
	if err == nil {
		states, err = m.cfg.Store.Destinations(ctx)
	}
	var tasks []outbox.OpenTask
	if err == nil {
		tasks, err = m.cfg.Store.Tasks(ctx, outbox.TaskQuery{Limit: mostTasks})
	}
	if err != nil {
		m.cfg.Logger.LogAttrs(ctx, slog.LevelError, "amsbridge: the store cannot be read for its metrics", slog.String("error", err.Error()))
		to <- client.MustNewConstMetric(readable, client.GaugeValue, 0)
		return
	}
	to <- client.MustNewConstMetric(readable, client.GaugeValue, 1)
	to <- client.MustNewConstMetric(openTasks, client.GaugeValue, float64(len(tasks)))
	now := time.Now()
	for label, s := range m.standings(counts, states, now) {
		gauge := func(d *client.Desc, v float64, labels ...string) {
			to <- client.MustNewConstMetric(d, client.GaugeValue, v, append([]string{label}, labels...)...)
		}
		gauge(messages, float64(s.Pending), outbox.StatePending.String())
		gauge(messages, float64(s.Parked), outbox.StateParked.String())
		gauge(inFlight, float64(s.InFlight))
		age := 0.0
		if !s.Oldest.IsZero() {
			age = max(0, now.Sub(s.Oldest).Seconds())
		}
		gauge(oldest, age)
		for i, by := range shutters {
			if i == 0 && label == everything {
				by = anotherInstallation
			}
			gauge(shut, float64(s.shut[i]), by)
		}
	}
}

// standings adds up destinations by label. A label that was ever seen stays, with zeros: a series that
// ends when its queue is empty would read as unknown.
func (m *Metrics) standings(counts []outbox.Count, states []outbox.DestinationState, now time.Time) map[string]*standing {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]*standing{}
	for label := range m.known {
		all[label] = &standing{}
	}
	of := func(destination string) *standing {
		label := everything
		if destination != "" {
			label = m.label(destination)
		}
		if all[label] == nil {
			all[label], m.known[label] = &standing{}, true
		}
		return all[label]
	}
	for _, c := range counts {
		s := of(c.Destination)
		s.Pending += c.Pending
		s.InFlight += c.InFlight
		s.Parked += c.Parked
		if !c.Oldest.IsZero() && (s.Oldest.IsZero() || c.Oldest.Before(s.Oldest)) {
			s.Oldest = c.Oldest
		}
	}
	for _, d := range states {
		s := of(d.Name)
		for i, is := range [len(shutters)]bool{
			d.Pausing == outbox.PausedByItself, d.Pausing == outbox.PausedByOperator, d.HeldUntil.After(now), !d.BrokenUntil.IsZero(),
		} {
			if is {
				s.shut[i]++
			}
		}
	}
	return all
}
