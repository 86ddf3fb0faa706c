package sqlcore

import (
	"context"
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge/outbox"
)

// mysql is MariaDB 10.6 and later, and MySQL 8.0.22 and later, which is not
// tested: its statements use nothing that MySQL does not have.
//
// The shop's transactions are REPEATABLE READ there, where a look-up that locks
// locks the gaps between rows too, and every reading part of a writing statement
// is such a look-up. What runs in them reads first, locking nothing, and then
// locks and writes by whole keys that it has seen, so that two orders do not
// wait for each other.
var mysql = &dialect{
	folder:        MySQL,
	byKeys:        " FORCE INDEX (amsbridge_message_key)",
	byTasks:       " FORCE INDEX (amsbridge_entry_tasks)",
	byPerson:      " FORCE INDEX (amsbridge_message_person)",
	byDue:         " FORCE INDEX (amsbridge_queue_due)",
	byAttemptTime: " FORCE INDEX (amsbridge_attempt_at)",
	byPage: func(page string) (from, where string) {
		return "FROM (" + page + ") AS p STRAIGHT_JOIN amsbridge_message m FORCE INDEX (PRIMARY) ON m.id = p.id", ""
	},
	// Not NOW(): that would be ambiguous when summer time ends.
	now: "TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', UTC_TIMESTAMP(6))",
	list: func(n int, kind columnKind) string {
		return fmt.Sprintf("(SELECT %s FROM JSON_TABLE(?%d, '$[*]' COLUMNS (%s)) AS u)",
			jsonValue("value", kind)+" AS value", n, jsonColumn("value", kind, "$"))
	},
	rows: func(n int, columns []column) string {
		var outer, inner []string
		for _, c := range columns {
			outer = append(outer, jsonValue(c.name, c.kind)+" AS "+c.name)
			inner = append(inner, jsonColumn(c.name, c.kind, `$."`+c.name+`"`))
		}
		return fmt.Sprintf("(SELECT %s FROM JSON_TABLE(?%d, '$[*]' COLUMNS (%s)) AS r) AS s",
			strings.Join(outer, ", "), n, strings.Join(inner, ", "))
	},
	asText:     func(e string) string { return "CONVERT(" + e + " USING utf8mb4)" },
	forUpdate:  " FOR UPDATE",
	skipLocked: " SKIP LOCKED",
	bytes:      "BINARY",
	most:       1000,
	again:      givenUpMySQL,
	noTable:    noTableMySQL,
	rebind:     func(q string) string { return quoteKey(strings.ReplaceAll(q, "AS BIGINT)", "AS SIGNED)")) },
	insert:     insertMySQL,
	append:     appendMySQL,
	settle:     settlePlain,
	hurried:    hurriedMySQL,
	waited:     waitedMySQL,
	log:        logMySQL,

	oldSnapshots: true,

	standing: standingPlain,
	mostRead: 10_000,
	text:     mysqlText,
	in:       inLiterals,
	join:     joinMySQL,
	identity: identityMySQL,
	idleBeat: idleBeatPlain,
	read:     readMySQL,
}

// jsonColumn is a column of a JSON_TABLE. The database may have a character set
// that holds less than the text. Bytes that are compared have a length:
// MariaDB finds UNHEX of a LONGTEXT too long for the column beside it.
func jsonColumn(name string, kind columnKind, path string) string {
	form := "LONGTEXT CHARACTER SET utf8mb4"
	switch {
	case kind == kindInt:
		form = "BIGINT"
	case kind == kindBytes && name != "receipt":
		form = "VARCHAR(512)"
	}
	return fmt.Sprintf("%s %s PATH '%s'", name, form, path)
}

func jsonValue(name string, kind columnKind) string {
	if kind == kindBytes {
		return "UNHEX(" + name + ")"
	}
	return name
}

// quoteKey quotes the column's name that is a reserved word. After a dot it need
// not be.
func quoteKey(text string) string {
	var out strings.Builder
	for {
		i := strings.Index(text, "key")
		if i < 0 {
			out.WriteString(text)
			return out.String()
		}
		end := i + len("key")
		if (i == 0 || !inName(text[i-1])) && (end == len(text) || !inName(text[end])) {
			out.WriteString(text[:i] + "`key`")
		} else {
			out.WriteString(text[:end])
		}
		text = text[end:]
	}
}

// inName tells whether a byte beside a word makes it part of something else.
func inName(b byte) bool {
	return b == '_' || b == '.' || b == '"' || b == '`' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}

func joinMySQL(ctx context.Context, s *Store, q Conn, args ...any) (outbox.SessionID, error) {
	id, err := q.(literals).Insert(ctx, s.sql["join"], args...)
	if err != nil {
		return 0, err
	}
	return outbox.SessionID(id), later(ctx, q, s.sql["first beat"], id)
}

// readMySQL is a reading's statement.
func readMySQL(s *Store, r outbox.Reading) (reading, error) {
	return readPlain(s, r, readPaths{
		byID: " FORCE INDEX (PRIMARY)", byKey: " FORCE INDEX (amsbridge_queue_key)",
		fresh: " FORCE INDEX (amsbridge_queue_due)", freshOf: " FORCE INDEX (amsbridge_queue_fresh)",
		due: " FORCE INDEX (amsbridge_queue_due)", dueOf: " FORCE INDEX (amsbridge_queue_fresh)",
	})
}
