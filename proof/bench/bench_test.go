package bench

import (
	"context"
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/proof/testdb"
)

// opened opens a fresh outbox on a database that the test finds or skips for.
func opened(t testing.TB, name string) Outbox {
	t.Helper()
	e, err := engineNamed(name)
	require.NoError(t, err)
	dsn := map[testdb.Engine]func(testing.TB) string{
		"": testdb.SQLite, testdb.PostgreSQL: testdb.Postgres, testdb.MariaDB: testdb.Maria,
	}[e.server](t)
	o, err := e.open(t.Context(), dsn, true)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.Close()) })
	return o
}

// BenchmarkHook is the hook's own work for an order of one course.
func BenchmarkHook(b *testing.B) {
	hook, made, err := collecting(oneCourse{})
	require.NoError(b, err)
	order := amsbridge.Order{
		ID: "o-1", Buyer: amsbridge.User{ID: "u-1", FirstName: "Ada", LastName: "Byron", Email: "ada@example.org"},
		Lines: []amsbridge.Line{{ID: "1", ProductID: course, Quantity: 1}},
	}
	b.ReportAllocs()
	for b.Loop() {
		_, err := hook.OrderCompleted(b.Context(), struct{}{}, order)
		require.NoError(b, err)
		made.msgs = made.msgs[:0]
	}
}

// benchmarkEnqueue places orders from eight goroutines.
func benchmarkEnqueue(b *testing.B, engine string, what Doing) {
	o := opened(b, engine)
	b.ResetTimer()
	_, err := rush(b.Context(), b.N, func(ctx context.Context, number int64) error {
		return o.Place(ctx, orderOf(number, number), what, nil)
	})
	require.NoError(b, err)
}

func BenchmarkEnqueueSQLite(b *testing.B)     { benchmarkEnqueue(b, SQLite, orderAndPush) }
func BenchmarkOrderAloneSQLite(b *testing.B)  { benchmarkEnqueue(b, SQLite, orderAlone) }
func BenchmarkEnqueuePGX(b *testing.B)        { benchmarkEnqueue(b, PGX, orderAndPush) }
func BenchmarkOrderAlonePGX(b *testing.B)     { benchmarkEnqueue(b, PGX, orderAlone) }
func BenchmarkEnqueuePostgres(b *testing.B)   { benchmarkEnqueue(b, Postgres, orderAndPush) }
func BenchmarkEnqueueMariaDB(b *testing.B)    { benchmarkEnqueue(b, MariaDB, orderAndPush) }
func BenchmarkOrderAloneMariaDB(b *testing.B) { benchmarkEnqueue(b, MariaDB, orderAlone) }

// benchmarkDrain counts the time of the sender alone.
func benchmarkDrain(b *testing.B, engine string) {
	o := opened(b, engine)
	p, err := StartPlatform(b.Context(), 0)
	require.NoError(b, err)
	b.Cleanup(p.Close)
	b.ResetTimer()
	rate, err := drained(b.Context(), o, p, b.N, workers, distinct)
	require.NoError(b, err)
	b.ReportMetric(1e9/rate, "ns/op")
}

func BenchmarkDrainSQLite(b *testing.B)   { benchmarkDrain(b, SQLite) }
func BenchmarkDrainPGX(b *testing.B)      { benchmarkDrain(b, PGX) }
func BenchmarkDrainPostgres(b *testing.B) { benchmarkDrain(b, Postgres) }
func BenchmarkDrainMariaDB(b *testing.B)  { benchmarkDrain(b, MariaDB) }

// A benchmark that nobody runs would rot.
func TestBenchmarksRun(t *testing.T) {
	benchtime := flag.Lookup("test.benchtime").Value
	before := benchtime.String()
	require.NoError(t, benchtime.Set("1x"))
	t.Cleanup(func() { require.NoError(t, benchtime.Set(before)) })
	for name, run := range map[string]func(*testing.B){
		"hook": BenchmarkHook, "enqueue": BenchmarkEnqueueSQLite, "order alone": BenchmarkOrderAloneSQLite, "drain": BenchmarkDrainSQLite,
		"elevate call": BenchmarkElevateCall, "notified call": BenchmarkNotifiedCall,
	} {
		require.NotZero(t, testing.Benchmark(run).N, name)
	}
}
