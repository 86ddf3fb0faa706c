package sqlcore

import (
	"errors"
	"strconv"
	"strings"
)

// Numbers of MySQL's errors.
const (
	mysqlDuplicate = 1062 // the statement alone was undone
	mysqlTimeout   = 1205 // a lock was waited for too long
	mysqlDeadlock  = 1213 // the transaction was undone
)

// mysqlNumber is the number of the server's error, or zero. No driver is
// imported to ask it: each of the two that there are begins its text with
// "Error 1213", the one in capitals.
func mysqlNumber(err error) int {
	for ; err != nil; err = errors.Unwrap(err) {
		word, rest, _ := strings.Cut(err.Error(), " ")
		if !strings.EqualFold(word, "error") {
			continue
		}
		digits := strings.IndexFunc(rest+" ", func(r rune) bool { return r < '0' || r > '9' })
		if n, err := strconv.Atoi(rest[:digits]); err == nil {
			return n
		}
	}
	return 0
}

// givenUpMySQL tells whether the server ended a transaction for a deadlock, or a
// statement for a lock that it waited for too long.
func givenUpMySQL(err error) bool {
	n := mysqlNumber(err)
	return n == mysqlDeadlock || n == mysqlTimeout
}
