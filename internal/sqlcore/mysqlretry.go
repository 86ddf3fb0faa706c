package sqlcore

import (
	"errors"
	"strconv"
	"strings"
)

// Numbers of MySQL's errors.
const (
	mysqlDuplicate = 1062 // the statement alone was undone
	mysqlChanged   = 1020 // a row has changed since the snapshot, and the transaction was undone: MariaDB's snapshot isolation
	mysqlTimeout   = 1205 // a lock was waited for too long
	mysqlDeadlock  = 1213 // the transaction was undone
)

// mysqlNumber is the number of the server's error, or zero. No driver is
// imported to ask it: each of the two that there are begins its text with
// "Error 1213", the one in capitals.
func mysqlNumber(err error) int {
	if err == nil {
		return 0
	}
	word, rest, _ := strings.Cut(err.Error(), " ")
	if strings.EqualFold(word, "error") {
		digits := strings.IndexFunc(rest+" ", func(r rune) bool { return r < '0' || r > '9' })
		if n, err := strconv.Atoi(rest[:digits]); err == nil {
			return n
		}
	}
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return mysqlNumber(errors.Unwrap(err))
	}
	for _, one := range several.Unwrap() {
		if n := mysqlNumber(one); n != 0 {
			return n
		}
	}
	return 0
}

// givenUpMySQL tells whether the server ended a transaction for a deadlock, or for a row that was changed since
// it was read.
func givenUpMySQL(err error) bool {
	n := mysqlNumber(err)
	return n == mysqlDeadlock || n == mysqlChanged
}

// waitedMySQL tells whether it ended a statement for a lock that it waited for too long.
func waitedMySQL(err error) bool { return mysqlNumber(err) == mysqlTimeout }

// Undone tells from an error of MySQL's that the server may have rolled the whole transaction back, so that a
// commit would succeed without what was written. After a lock that was waited for too long it has done so
// where innodb_rollback_on_timeout says so.
func Undone(err error) bool {
	switch mysqlNumber(err) {
	case mysqlChanged, mysqlDeadlock, mysqlTimeout:
		return true
	}
	return false
}
