package prometheus_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/prometheus"
	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

type deliverFunc func(context.Context, outbox.Message) (outbox.Result, error)

func (f deliverFunc) Deliver(ctx context.Context, m outbox.Message) (outbox.Result, error) {
	return f(ctx, m)
}

// anywhere resolves every name to one destination.
type anywhere struct{ outbox.Destination }

func (a anywhere) Resolve(string) (outbox.Destination, bool) { return a.Destination, true }

func newMetrics(t *testing.T, cfg prometheus.Config) (*prometheus.Metrics, *client.Registry) {
	t.Helper()
	m, err := prometheus.New(cfg)
	require.NoError(t, err)
	registry := client.NewPedanticRegistry()
	require.NoError(t, registry.Register(m))
	return m, registry
}

func insert(t *testing.T, store *outboxtest.Memory, msgs ...outbox.Message) {
	t.Helper()
	tx := store.Begin()
	_, err := store.InsertTx(t.Context(), tx, msgs...)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
}

func message(destination, key string) outbox.Message {
	return outbox.Message{Destination: destination, Key: key, Kind: "test", Person: "U-" + key, Subject: "order", Version: 1, Facts: []byte("f")}
}

// send runs a sender for a time.
func send(t *testing.T, store outbox.Queue, cfg outbox.SenderConfig, d time.Duration) {
	t.Helper()
	cfg.Logger = slog.New(slog.DiscardHandler)
	sender, err := outbox.NewSender(store, cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	require.NoError(t, sender.Run(ctx))
}

// Deliveries are counted by outcome and timed; shut destinations and alarms are counted too.
func TestDeliveriesAndAlarmsAreTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		deliver deliverFunc
		outcome string
		shut    string
		alarm   string
	}{
		"delivered":     {answer(outbox.Result{}, nil), "delivered", "", ""},
		"already done":  {answer(outbox.Result{AlreadyDone: true}, nil), "already done", "", ""},
		"rejected":      {failing(outbox.OutcomeRejected), "rejected", "", "message parked"},
		"not ready":     {failing(outbox.OutcomeNotReady), "not ready", "", ""},
		"throttled":     {failing(outbox.OutcomeThrottled), "throttled", "platform asked", ""},
		"unauthorized":  {failing(outbox.OutcomeUnauthorized), "unauthorized", "refusal", "destination paused"},
		"unavailable":   {failing(outbox.OutcomeUnavailable), "unavailable", "breaker", "destination does not answer"},
		"another error": {answer(outbox.Result{}, errors.New("a secret")), "unknown", "breaker", "destination does not answer"},
		"panic": {
			func(context.Context, outbox.Message) (outbox.Result, error) { panic("a secret") }, "unknown", "breaker", "destination does not answer",
		},
		"newer version": {answer(outbox.Result{}, outbox.ErrNewerVersion), "none", "", "newer payload version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := outboxtest.NewMemory(outboxtest.MemoryConfig{})
				var log bytes.Buffer
				m, registry := newMetrics(t, prometheus.Config{Store: store, Logger: slog.New(slog.NewTextHandler(&log, nil))})
				insert(t, store, message("elevate", "1"))
				slow := deliverFunc(func(ctx context.Context, msg outbox.Message) (outbox.Result, error) {
					time.Sleep(3 * time.Second)
					return c.deliver(ctx, msg)
				})
				send(t, store, outbox.SenderConfig{
					Destinations: m.Resolver(outbox.Fixed{"elevate": slow}), Alarm: m.Alarm(nil), Breaker: outbox.Breaker{After: 1},
				}, time.Second) // then it ends once everything in flight is settled

				told := gathered(t, registry)
				require.Equal(t, map[string]float64{c.outcome: 3}, told.deliveries)
				require.Equal(t, c.shut, strings.Join(told.shut, ", "))
				require.Equal(t, c.alarm, strings.Join(told.alarms, ", "))
				if c.alarm != "" {
					require.Contains(t, log.String(), c.alarm)
				}
				require.NotContains(t, log.String(), "a secret")
			})
		})
	}
}

func answer(res outbox.Result, err error) deliverFunc {
	return func(context.Context, outbox.Message) (outbox.Result, error) { return res, err }
}

func failing(o outbox.Outcome) deliverFunc {
	return answer(outbox.Result{}, &outbox.DeliveryError{Outcome: o, Reason: "as told"})
}

// told is what was gathered: deliveries (seconds by outcome), shut destinations, and alarms.
type told struct {
	deliveries map[string]float64
	shut       []string
	alarms     []string
}

func gathered(t *testing.T, from client.Gatherer) told {
	t.Helper()
	families, err := from.Gather()
	require.NoError(t, err)
	out := told{deliveries: map[string]float64{}}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range metric.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			require.Contains(t, []string{"elevate", ""}, labels["destination"])
			switch f.GetName() {
			case "amsbridge_delivery_seconds":
				require.EqualValues(t, 1, metric.GetHistogram().GetSampleCount())
				out.deliveries[labels["outcome"]] = metric.GetHistogram().GetSampleSum()
			case "amsbridge_outbox_shut_destinations":
				if metric.GetGauge().GetValue() > 0 {
					out.shut = append(out.shut, labels["by"])
				}
			case "amsbridge_alarms_total":
				out.alarms = append(out.alarms, labels["kind"])
			}
		}
	}
	return out
}

// A sender also refuses bad destinations that are behind metrics.
func TestDestinationsAreCheckedThroughMetrics(t *testing.T) {
	t.Parallel()
	m, _ := newMetrics(t, prometheus.Config{})
	for field, next := range map[string]outbox.Resolver{
		"next":                                 nil,
		"SenderConfig.Destinations":            outbox.Fixed{},
		`SenderConfig.Destinations["ELEVATE"]`: outbox.Fixed{"ELEVATE": answer(outbox.Result{}, nil)},
	} {
		_, err := outbox.NewSender(outboxtest.NewMemory(outboxtest.MemoryConfig{}), outbox.SenderConfig{Destinations: m.Resolver(next)})
		var bad *check.InputError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, field, bad.Field)
	}
}

// A name that next does not resolve stays unresolved.
func TestUnknownDestinationStaysUnknown(t *testing.T) {
	t.Parallel()
	m, _ := newMetrics(t, prometheus.Config{})
	_, ok := m.Resolver(outbox.Fixed{}).Resolve("elevate")
	require.False(t, ok)
}

func TestLabelsAreTheShopsAndValid(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t, prometheus.Config{Label: func(d string) string { return d + "\xff" }})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			m.Alarm(func(context.Context, outbox.Alarm) {})(context.Background(), outbox.Alarm{Kind: outbox.AlarmPaused, Destination: "elevate/acme"})
			_, _ = registry.Gather() // a pedantic registry refuses invalid metrics
		})
	}
	all.Wait()
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP amsbridge_alarms_total Alarms: things that a person must look at.
# TYPE amsbridge_alarms_total counter
amsbridge_alarms_total{destination="elevate/acme�",kind="destination paused"} 8
`)))
}

func TestNewNamesTheBadField(t *testing.T) {
	t.Parallel()
	_, err := prometheus.New(prometheus.Config{Timeout: -1})
	var field *check.InputError
	require.ErrorAs(t, err, &field)
	require.Equal(t, "Config.Timeout", field.Field)
	_, err = prometheus.New(prometheus.Config{Store: (*outboxtest.Memory)(nil)})
	require.ErrorAs(t, err, &field)
	require.Equal(t, "Config.Store", field.Field)
}

// The names follow the conventions of Prometheus.
func TestNamesAreConventional(t *testing.T) {
	t.Parallel()
	m, registry := newMetrics(t, prometheus.Config{Store: outboxtest.NewMemory(outboxtest.MemoryConfig{})})
	d, _ := m.Resolver(anywhere{answer(outbox.Result{}, nil)}).Resolve("elevate")
	_, err := d.Deliver(t.Context(), message("elevate", "1"))
	require.NoError(t, err)
	problems, err := testutil.GatherAndLint(registry)
	require.NoError(t, err)
	require.Empty(t, problems)
}

// The package's documentation and the operators' page name exactly the metrics that exist.
func TestEachMetricIsDocumented(t *testing.T) {
	t.Parallel()
	m, err := prometheus.New(prometheus.Config{Store: away{}})
	require.NoError(t, err)
	descs := make(chan *client.Desc, 20)
	m.Describe(descs)
	close(descs)
	name := regexp.MustCompile(`amsbridge_[a-z_]+`)
	told := map[string]bool{}
	for d := range descs {
		told[name.FindString(d.String())] = true
	}
	require.Len(t, told, 8)
	for file, heading := range map[string]string{"doc.go": "", "../../docs/operations.md": "## 9. Watching it"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		_, section, found := strings.Cut(string(text), heading)
		require.True(t, found, file)
		named := map[string]bool{}
		for _, n := range name.FindAllString(section, -1) {
			named[n] = true
		}
		require.Equal(t, told, named, file)
	}
}
