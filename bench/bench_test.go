package bench_test

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/conformance/testdb"
	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/bench"
	"github.com/amsbridge/amsbridge/outbox/outboxtest"
)

var engines = map[sqlstore.Dialect]func(testing.TB) string{
	sqlstore.SQLite: testdb.SQLite, sqlstore.PostgreSQL: testdb.Postgres,
}

func openShop(t testing.TB, dialect sqlstore.Dialect) *bench.Shop {
	t.Helper()
	shop, err := bench.OpenShop(t.Context(), dialect, engines[dialect](t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, shop.Close()) })
	return shop
}

// BenchmarkHook is the hook's own work for an order of one course.
func BenchmarkHook(b *testing.B) {
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{
		Products: []amsbridge.Product{{ID: "course", RemoteProductID: "course"}},
	})
	require.NoError(b, err)
	hook, err := amsbridge.NewHook(&outboxtest.Recorder[struct{}]{}, amsbridge.HookConfig{Catalog: catalog})
	require.NoError(b, err)
	order := amsbridge.Order{
		ID: "o-1", Buyer: amsbridge.User{ID: "u-1", FirstName: "Ada", LastName: "Byron", Email: "ada@example.org"},
		Lines: []amsbridge.Line{{ID: "1", ProductID: "course", Quantity: 1}},
	}
	b.ReportAllocs()
	for b.Loop() {
		_, err := hook.OrderCompleted(b.Context(), struct{}{}, order)
		require.NoError(b, err)
	}
}

// benchmarkEnqueue places orders from eight goroutines.
func benchmarkEnqueue(b *testing.B, dialect sqlstore.Dialect, push bool) {
	shop := openShop(b, dialect)
	b.ResetTimer()
	_, err := shop.Enqueue(b.Context(), b.N, push)
	require.NoError(b, err)
}

func BenchmarkEnqueueSQLite(b *testing.B)        { benchmarkEnqueue(b, sqlstore.SQLite, true) }
func BenchmarkOrderAloneSQLite(b *testing.B)     { benchmarkEnqueue(b, sqlstore.SQLite, false) }
func BenchmarkEnqueuePostgreSQL(b *testing.B)    { benchmarkEnqueue(b, sqlstore.PostgreSQL, true) }
func BenchmarkOrderAlonePostgreSQL(b *testing.B) { benchmarkEnqueue(b, sqlstore.PostgreSQL, false) }

// benchmarkDrain counts the time of the sender alone.
func benchmarkDrain(b *testing.B, dialect sqlstore.Dialect) {
	shop := openShop(b, dialect)
	b.ResetTimer()
	took, err := shop.Drain(b.Context(), b.N)
	require.NoError(b, err)
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "ns/op")
}

func BenchmarkDrainSQLite(b *testing.B)     { benchmarkDrain(b, sqlstore.SQLite) }
func BenchmarkDrainPostgreSQL(b *testing.B) { benchmarkDrain(b, sqlstore.PostgreSQL) }

// A benchmark that nobody runs would rot.
func TestBenchmarksRun(t *testing.T) {
	benchtime := flag.Lookup("test.benchtime").Value
	before := benchtime.String()
	require.NoError(t, benchtime.Set("1x"))
	t.Cleanup(func() { require.NoError(t, benchtime.Set(before)) })
	for name, run := range map[string]func(*testing.B){
		"hook": BenchmarkHook, "enqueue": BenchmarkEnqueueSQLite, "order alone": BenchmarkOrderAloneSQLite, "drain": BenchmarkDrainSQLite,
		"elevate call": BenchmarkElevateCall, "elevate call, bare": BenchmarkElevateCallBare,
		"notified call": BenchmarkNotifiedCall, "notified call, bare": BenchmarkNotifiedCallBare,
	} {
		require.NotZero(t, testing.Benchmark(run).N, name)
	}
}

func TestRatios(t *testing.T) {
	t.Parallel()
	for dialect := range engines {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			shop := openShop(t, dialect)
			enqueue, drain, err := shop.Ratios(t.Context(), 2, 20, 20)
			require.NoError(t, err)
			for _, r := range []bench.Ratio{enqueue, drain} {
				require.Len(t, r.Rounds, 2)
				require.Regexp(t, `^.+ ÷ .+: \d+\.\d\d \(\d+\.\d\d–\d+\.\d\d\) in 2 rounds; the base did \d+/s`, r.String())
			}
			version, err := shop.Version(t.Context())
			require.NoError(t, err)
			require.Regexp(t, `^(PostgreSQL|SQLite) \d`, version)
		})
	}
}

func TestRatioString(t *testing.T) {
	t.Parallel()
	r := bench.Ratio{What: "a ÷ b", Rounds: []float64{0.5, 0.7, 0.25, 0.6}, Base: []float64{1000, 3000, 2000, 4000}}
	require.Equal(t, "a ÷ b: 0.55 (0.25–0.70) in 4 rounds; the base did 2500/s (1000–4000)", r.String())
}
