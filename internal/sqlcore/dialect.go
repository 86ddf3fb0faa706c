package sqlcore

import (
	"context"
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// Dialect names a database.
type Dialect string

// The databases known.
const (
	PostgreSQL Dialect = "postgres"
	SQLite     Dialect = "sqlite"
	// MySQL is MariaDB too.
	MySQL Dialect = "mysql"
)

// dialect is what differs between databases. Statements are written once, with
// numbered parameters (?1), and {now} and {at} for times: see render.
type dialect struct {
	// byKeys keeps a look-up by keys on their index, where the planner would
	// rather walk over all messages in the order of their IDs.
	byKeys string
	// byLane does the same for a look-up of a person's messages, and byTasks for
	// one of entries with tasks.
	byLane, byTasks string
	// folder is where its migrations lie.
	folder Dialect
	// now is the database's clock in Unix microseconds.
	now string
	// list is a sub-select of one column, value, from the list in parameter n:
	// see listArg.
	list func(n int, kind columnKind) string
	// arrays tells that rows and lists are native arrays: see withRowsLast.
	arrays bool
	// rows is a FROM item named s with the given columns, from the parameters n
	// and after: see withRowsLast.
	rows func(n int, columns []column) string
	// asText reads bytes that hold UTF-8.
	asText func(expression string) string
	// forUpdate ends a SELECT that locks what it returns.
	forUpdate string
	// skipLocked follows it where rows that others have locked are passed over.
	skipLocked string
	// claimLock takes the place of pin where claims are serialised by a lock, and
	// does what pin does; empty where the transaction itself serialises.
	claimLock string
	// encoding asks for the database's text encoding, where that can be wrong.
	encoding string
	// pin keeps our own transactions on the primary keys. The queue grows and
	// empties all day, so whatever statistics it was last analyzed with are
	// wrong: a planner that believes it empty compares each row with every other.
	// Nor is a plan compiled or made anew for each call, which takes longer than
	// running it.
	pin string
	// most rows in one transaction of our own.
	most int
	// mostClaimed is how many messages one claim takes at most; zero for no
	// limit.
	mostClaimed int
	// offIndex follows a column that must not bring its index into play where rows
	// are looked up by their keys.
	offIndex string
	// standing joins what tells where a message stands.
	standing string
	// bytes is what a parameter is cast to that holds bytes.
	bytes string
	// rebind turns ?1 into the driver's form.
	rebind func(string) string
	// again tells whether a transaction failed that may be tried again. Nil for
	// never.
	again func(error) bool
	// noTable tells whether a statement failed since a table or a column is not
	// there.
	noTable func(error) bool
	// settle records outcomes of different messages.
	settle func(ctx context.Context, s *Store, q Conn, batch []outbox.Settlement) (held []bool, err error)
	// insert stores checked messages.
	insert func(ctx context.Context, s *Store, tx Conn, batch insertion) (written, error)
	// append stores a checked entry and its messages, or neither.
	append func(ctx context.Context, s *Store, tx Conn, e entryRow, batch insertion) (bool, error)
}

type columnKind uint8

const (
	kindInt columnKind = iota
	kindText
	kindBytes // hexadecimal in the JSON
)

type column struct {
	name string
	kind columnKind
}

var dialects = map[Dialect]*dialect{PostgreSQL: postgres, MySQL: mysql, SQLite: sqlite}

// CheckDialect returns an *check.InputError unless the dialect is known. It
// speaks in the name of the package that was given it as that field.
func CheckDialect(pkg, field string, d Dialect) error {
	switch {
	case d == "":
		return check.Bad(pkg, field, "is empty")
	case dialects[d] == nil:
		return check.Bad(pkg, field, fmt.Sprintf("is not %s, %s or %s", PostgreSQL, MySQL, SQLite))
	}
	return nil
}

var postgres = &dialect{
	folder: PostgreSQL,
	now:    "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
	list: func(n int, kind columnKind) string {
		value := map[columnKind]string{kindInt: "value::bigint", kindText: "value", kindBytes: "decode(value, 'hex')"}[kind]
		return fmt.Sprintf("(SELECT %s FROM json_array_elements_text(?%d::text::json))", value, n)
	},
	rows: func(n int, columns []column) string {
		var outer, inner []string
		for _, c := range columns {
			switch c.kind {
			case kindInt:
				outer, inner = append(outer, c.name), append(inner, c.name+" bigint")
			case kindText:
				outer, inner = append(outer, c.name), append(inner, c.name+" text")
			case kindBytes:
				outer, inner = append(outer, fmt.Sprintf("decode(%s, 'hex') AS %s", c.name, c.name)), append(inner, c.name+" text")
			}
		}
		return fmt.Sprintf("(SELECT %s FROM json_to_recordset(?%d::text::json) AS r(%s)) AS s",
			strings.Join(outer, ", "), n, strings.Join(inner, ", "))
	},
	asText:     func(e string) string { return "convert_from(" + e + ", 'UTF8')" },
	forUpdate:  " FOR UPDATE OF q",
	skipLocked: " SKIP LOCKED",
	// The number is the first bytes of SHA-256("amsbridge claim").
	claimLock: postgresPin + ", pg_advisory_xact_lock(-1695361600241996468)",
	encoding:  "SHOW server_encoding",
	pin:       postgresPin,
	bytes:     "bytea",
	standing:  standingLateral,
	offIndex:  " + 0",
	most:      1000,
	rebind:    func(q string) string { return strings.ReplaceAll(q, "?", "$") },
	again:     givenUp,
	noTable:   noTablePostgres,
	insert:    insertPostgres,
	append:    appendPostgres,
	settle:    settlePostgres,
}

const postgresPin = "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), " +
	"set_config('enable_mergejoin', 'off', true), set_config('enable_bitmapscan', 'off', true), " +
	"set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)"

var sqlite = &dialect{
	folder: SQLite,
	now:    "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
	list: func(n int, kind columnKind) string {
		value := "value"
		if kind == kindBytes {
			value = "unhex(value)"
		}
		return fmt.Sprintf("(SELECT %s FROM json_each(?%d))", value, n)
	},
	rows: func(n int, columns []column) string {
		var outer []string
		for _, c := range columns {
			value := fmt.Sprintf("json_extract(value, '$.%s')", c.name)
			if c.kind == kindBytes {
				value = "unhex(" + value + ")"
			}
			outer = append(outer, value+" AS "+c.name)
		}
		return fmt.Sprintf("(SELECT %s FROM json_each(?%d)) AS s", strings.Join(outer, ", "), n)
	},
	asText:      func(e string) string { return "CAST(" + e + " AS TEXT)" },
	most:        90,
	mostClaimed: 90,
	bytes:       "BLOB",
	byTasks:     " INDEXED BY amsbridge_entry_tasks",
	noTable:     noTableSQLite,
	standing:    standingPlain,
	rebind:      func(q string) string { return q },
	insert:      insertPlain,
	append:      appendPlain,
	settle:      settlePlain,
}
