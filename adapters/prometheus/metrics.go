package prometheus

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	client "github.com/prometheus/client_golang/prometheus"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// Config configures [New]. The zero value of each field is a safe default.
type Config struct {
	// Store is read at each scrape, by three read-only statements; the first scans the whole queue,
	// without delivered messages, and the last reads at most a thousand open tasks. They use connections of the store's pool. Defaults to none: the
	// store's metrics are left out, as in a second program beside one that has them.
	Store outbox.Inspector
	// Timeout limits the reading of the store. Defaults to 5 s, which is shorter than the Prometheus
	// server's default limit of 10 s.
	Timeout time.Duration
	// Label returns a destination's label; destinations with one label are added up. Each label makes
	// up to 150 series. It must be quick and safe for concurrent use. Defaults to the name up to a
	// slash, so that a thousand associations of one platform share one label.
	Label func(destination string) string
	// Logger logs a store that does not answer. Defaults to [slog.Default].
	Logger *slog.Logger
}

// Metrics are the metrics of one program. Register them once with a registry of the client; any number
// of senders may use them concurrently.
type Metrics struct {
	cfg        Config
	deliveries *client.HistogramVec
	alarms     *client.CounterVec

	mu    sync.Mutex
	known map[string]bool // all labels ever seen in the store
}

var _ client.Collector = (*Metrics)(nil)

// buckets end at the default DeliverTimeout of a sender.
var buckets = [...]float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

// New returns metrics that are not registered yet, or an *amsbridge.InputError that names the bad
// field.
func New(cfg Config) (*Metrics, error) {
	if cfg.Store != nil && check.IsNil(cfg.Store) {
		return nil, check.Bad("prometheus", "Config.Store", "holds a nil pointer")
	}
	if cfg.Timeout < 0 {
		return nil, check.Bad("prometheus", "Config.Timeout", "is negative")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.Label == nil {
		cfg.Label = platform
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Metrics{
		cfg: cfg, known: map[string]bool{},
		deliveries: client.NewHistogramVec(client.HistogramOpts{
			Name: "amsbridge_delivery_seconds", Help: "Deliveries by what they came to.", Buckets: buckets[:],
		}, []string{"destination", "outcome"}),
		alarms: client.NewCounterVec(client.CounterOpts{
			Name: "amsbridge_alarms_total", Help: "Alarms: things that a person must look at.",
		}, []string{"destination", "kind"}),
	}, nil
}

func platform(destination string) string {
	name, _, _ := strings.Cut(destination, "/")
	return name
}

// label makes the result of the shop's function valid, since the client panics on an invalid one.
func (m *Metrics) label(destination string) string {
	return strings.ToValidUTF8(m.cfg.Label(destination), "�")
}

// Describe implements the client's Collector.
func (m *Metrics) Describe(to chan<- *client.Desc) {
	m.deliveries.Describe(to)
	m.alarms.Describe(to)
	if m.cfg.Store != nil {
		describeQueue(to)
	}
}

// Collect implements the client's Collector. A scrape succeeds even when the store does not answer: its
// metrics are then missing, and amsbridge_outbox_readable is 0.
func (m *Metrics) Collect(to chan<- client.Metric) {
	m.deliveries.Collect(to)
	m.alarms.Collect(to)
	if m.cfg.Store == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), m.cfg.Timeout)
	defer cancel()
	m.collectQueue(ctx, to)
}

// Alarm returns a function that counts an alarm and passes it on to next. Give it to
// [outbox.SenderConfig]. A nil next logs alarms at Error, like a sender without Alarm.
func (m *Metrics) Alarm(next func(ctx context.Context, a outbox.Alarm)) func(ctx context.Context, a outbox.Alarm) {
	if next == nil {
		next = func(ctx context.Context, a outbox.Alarm) { a.Log(ctx, m.cfg.Logger) }
	}
	return func(ctx context.Context, a outbox.Alarm) {
		label := "" // an order's task names an association in place of a destination
		if a.Kind != outbox.AlarmTask {
			label = m.label(a.Destination)
		}
		m.alarms.WithLabelValues(label, string(a.Kind)).Inc()
		next(ctx, a)
	}
}
