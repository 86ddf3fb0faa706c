package sqlcore

import (
	"context"
	"fmt"

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
	// text are the statements that this database needs in a form of its own; the
	// others are written once for all.
	text func(d *dialect) map[string]string
	// in is a list in brackets for IN: of integers, or of strings in hexadecimal for
	// bytes. It appends the parameters that it needs.
	in func(d *dialect, args *[]any, kind columnKind, list any) (string, error)
	// join stores a session and its first beat. The arguments are those of the statement "join".
	join func(ctx context.Context, s *Store, q Conn, args ...any) (outbox.SessionID, error)
	// identity tells of the database what a copy does not share.
	identity func(ctx context.Context, q Conn) (string, error)
	// idleBeat is a beat that asks for nothing to be changed.
	idleBeat func(ctx context.Context, s *Store, id outbox.SessionID) (pulse, error)
	// stamped tells that messages are handed over by their stamp.
	stamped bool
	// read is the statement of a reading.
	read func(s *Store, r outbox.Reading) (reading, error)
	// byKeys keeps a look-up by keys on their index, where the planner would
	// rather walk over all messages in the order of their IDs.
	byKeys string
	// byPerson does the same for a look-up of a person's messages, and byTasks for
	// one of entries with tasks.
	byPerson, byTasks string
	// oldEntries is the condition of the index of entries by time, where it has one: the first of a subject is never
	// forgotten.
	oldEntries string
	// byAttemptTime does so for attempts of some time, and byDue for what falls due.
	byAttemptTime, byDue string
	// byPage is the FROM of messages m whose IDs a statement selects, and its WHERE: one look-up for each,
	// whatever the planner believes of how many there are.
	byPage func(page string) (from, where string)
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
	// mostRead is how many messages one reading returns at most.
	mostRead int
	// offIndex follows a column that must not bring its index into play where rows are looked up by their keys.
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
	// recordsAtOnce tells that there is a statement which records a flight whole.
	recordsAtOnce bool
	// settle records outcomes of different messages, and notes which in done. With last, it is all that is done
	// in the transaction.
	settle func(ctx context.Context, p *settlingPart, q Conn, all []settling, done []bool, last bool) error
	// hurried makes the statements of a transaction fail where they would wait for another one: at all, or for
	// long. waited tells that one did.
	hurried func(ctx context.Context, q Conn, mayWait bool) (Conn, error)
	waited  func(error) bool
	// oldSnapshots tells that a transaction may meet an entry that its snapshot does not show.
	oldSnapshots bool
	// prepared names the statements of a checkout, where preparing them once pays: they take SQLite longer to
	// read than to run.
	prepared []string
	// log writes entries of the log; nil for the statement "log".
	log func(ctx context.Context, s *Store, q Conn, now any, rows []settling) error
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
