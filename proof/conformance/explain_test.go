//go:build !race

package conformance

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/sqlstore"
	"github.com/amsbridge/amsbridge/internal/sqlcore"
)

// explained runs the engine's statements and asks for the plan of each, in the
// transaction that it runs in.
type explained struct {
	t  *testing.T
	db interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	}
	whole *sql.DB
	plans *plans
}

// plans are what was asked for since they were emptied.
type plans struct {
	dialect sqlstore.Dialect
	scans   []string // reads of a whole table, with the statement
	pages   int      // read by the statements, where they are counted
	counted bool
	asked   int
	strict  bool // walks over whole indexes are noted too
}

func (w explained) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	w.ask(ctx, text, args)
	res, err := w.db.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (w explained) Each(ctx context.Context, scan func(sqlcore.Rows) error, text string, args ...any) error {
	w.ask(ctx, text, args)
	rows, err := w.db.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err returns its error too
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (w explained) InTx(ctx context.Context, fn func(sqlcore.Conn) error) error {
	tx, err := w.whole.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(explained{w.t, tx, nil, w.plans}); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

func (w explained) ask(ctx context.Context, text string, args []any) {
	w.t.Helper()
	if !strings.Contains(text, "amsbridge_") {
		return
	}
	w.plans.asked++
	if w.plans.dialect == sqlstore.SQLite {
		w.plans.sqlite(w.t, text, w.lines(ctx, "EXPLAIN QUERY PLAN "+text, 4, 3, args))
		return
	}
	how := "FORMAT JSON"
	if w.plans.counted {
		how += ", ANALYZE, BUFFERS, TIMING OFF"
		if w.whole == nil {
			defer w.undone(ctx)()
		}
	}
	var plan []struct {
		Plan map[string]any `json:"Plan"`
		JIT  map[string]any `json:"JIT"`
	}
	require.NoError(w.t, json.Unmarshal([]byte(w.lines(ctx, "EXPLAIN ("+how+") "+text, 1, 0, args)[0]), &plan), text)
	w.plans.postgres(text, plan[0].Plan, w.small(ctx))
	require.Empty(w.t, plan[0].JIT, "compiled, for want of a good plan: %s", text)
	hit, _ := plan[0].Plan["Shared Hit Blocks"].(float64)
	read, _ := plan[0].Plan["Shared Read Blocks"].(float64)
	w.plans.pages += int(hit + read)
}

// undone begins what is undone by calling its result.
func (w explained) undone(ctx context.Context) func() {
	w.t.Helper()
	_, err := w.db.ExecContext(ctx, "SAVEPOINT asked")
	require.NoError(w.t, err)
	return func() {
		_, err := w.db.ExecContext(ctx, "ROLLBACK TO SAVEPOINT asked")
		require.NoError(w.t, err)
	}
}

// small are tables of so few pages that reading all of them is right.
func (w explained) small(ctx context.Context) string {
	return strings.Join(w.lines(ctx, `SELECT relname FROM pg_class
		WHERE relkind = 'r' AND relname LIKE 'amsbridge%' AND pg_relation_size(oid) <= 8 * 8192`, 1, 0, nil), " ")
}

// lines returns one column of an explanation.
func (w explained) lines(ctx context.Context, query string, columns, column int, args []any) (out []string) {
	w.t.Helper()
	rows, err := w.db.QueryContext(ctx, query, args...)
	require.NoError(w.t, err, query)
	defer func() { require.NoError(w.t, rows.Close()) }()
	for rows.Next() {
		cells, into := make([]sql.NullString, columns), make([]any, columns)
		for i := range cells {
			into[i] = &cells[i]
		}
		require.NoError(w.t, rows.Scan(into...))
		out = append(out, cells[column].String)
	}
	require.NoError(w.t, rows.Err())
	return out
}

func (p *plans) postgres(text string, node map[string]any, small string) {
	relation, _ := node["Relation Name"].(string)
	// A bitmap of the queue is a walk over one of its indexes, but for a person's
	// page, which may have one.
	bitmap := node["Node Type"] == "Bitmap Heap Scan" && relation == "amsbridge_queue" && !strings.Contains(text, "LEFT JOIN LATERAL")
	if (node["Node Type"] == "Seq Scan" || bitmap) && strings.HasPrefix(relation, "amsbridge_") && !strings.Contains(small, relation) {
		p.scans = append(p.scans, relation+": "+text[:min(len(text), 900)])
	}
	below, _ := node["Plans"].([]any)
	for _, n := range below {
		p.postgres(text, n.(map[string]any), small)
	}
}

// kept are the tables that grow for ever, and the names that statements give them.
var kept = []string{"x", "m", "f", "l", "i", "amsbridge_message", "amsbridge_attempt", "amsbridge_audit", "amsbridge_entry"}

// sqlite recognises reads of whole tables by their aliases; those of queries within
// a query, and of the few sessions, shards and destinations, are known.
func (p *plans) sqlite(t *testing.T, text string, lines []string) {
	t.Helper()
	for _, line := range lines {
		words := strings.Fields(line)
		if p.strict && words[0] == "SCAN" && slices.Contains(kept, words[1]) {
			p.scans = append(p.scans, line+": "+text[:min(len(text), 900)])
			continue
		}
		if words[0] != "SCAN" || strings.Contains(line, "USING") || strings.Contains(line, "VIRTUAL TABLE") || strings.Contains(line, "CONSTANT ROW") {
			continue
		}
		switch words[1] {
		case "s", "r", "i", "l", "o", "y", "z", "g", "x", "p":
		case "amsbridge_session", "amsbridge_shard", "amsbridge_destination", "amsbridge_installation":
		default:
			shards := words[1] == "q" && strings.Contains(text, "amsbridge_shard")
			if !shards && !strings.HasPrefix(words[1], "(subquery-") {
				p.scans = append(p.scans, line+": "+text[:min(len(text), 900)])
			}
		}
	}
}
