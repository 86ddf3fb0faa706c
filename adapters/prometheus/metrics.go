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

// Config says what is told. The zero value of each field is a safe default.
type Config struct {
	// Store is asked at each scrape what stands in the outbox, by two statements
	// that only read; the first walks the whole queue, but not what was delivered.
	// They take a connection of the store's pool. Defaults to leaving these
	// metrics out, as in a program beside another that has them.
	Store outbox.Inspector
	// Timeout ends these questions. Defaults to 5 s, which is shorter than the
	// server's own limit of 10 s.
	Timeout time.Duration
	// Label names the destination in a metric; destinations of one label are added
	// up. Each label makes up to 150 series. It must be quick and safe for
	// concurrent use. Defaults to the name up to a slash, so that a thousand
	// associations of one platform are one label.
	Label func(destination string) string
	// Logger is told when the store does not answer. Defaults to [slog.Default].
	Logger *slog.Logger
}

// Metrics are a program's metrics. Register them once with a registry of the
// client; they are safe for concurrent use, by any number of senders.
type Metrics struct {
	cfg        Config
	deliveries *client.HistogramVec
	alarms     *client.CounterVec

	mu    sync.Mutex
	known map[string]bool // labels that the store ever told of
}

var _ client.Collector = (*Metrics)(nil)

// buckets end at a sender's default DeliverTimeout.
var buckets = [...]float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

// New returns metrics that are not registered anywhere yet, or an
// *amsbridge.InputError that names the bad field.
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

// label is valid whatever the shop's function returns, for the client panics
// over what is not.
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

// Collect implements the client's Collector. A store that does not answer fails
// no scrape: its metrics are missing from it, and amsbridge_outbox_readable is 0.
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

// Alarm returns what counts an alarm and passes it on to next. Give it to
// [outbox.SenderConfig]. A nil next logs alarms at Error, as a sender does that
// has no Alarm.
func (m *Metrics) Alarm(next func(ctx context.Context, a outbox.Alarm)) func(ctx context.Context, a outbox.Alarm) {
	if next == nil {
		next = func(ctx context.Context, a outbox.Alarm) { a.Log(ctx, m.cfg.Logger) }
	}
	return func(ctx context.Context, a outbox.Alarm) {
		m.alarms.WithLabelValues(m.label(a.Destination), string(a.Kind)).Inc()
		next(ctx, a)
	}
}
