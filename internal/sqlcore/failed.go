package sqlcore

import (
	"errors"
	"fmt"
	"strings"

	"github.com/amsbridge/amsbridge/internal/check"
	"github.com/amsbridge/amsbridge/outbox"
)

// failed is the error of a call. What the outbox itself refuses is returned as it is; anything else is the
// database's, and is told with the store's name, the call, and what to do where the tables are missing.
func (s *Store) failed(call string, err error) error {
	switch {
	case err == nil, refused(err):
		return err
	case s.d.noTable(err):
		return fmt.Errorf("%w: run %s.Migrate: %s: %w", s.errSchema, s.name, call, err)
	}
	return fmt.Errorf("%s: %s: %w", s.name, call, err)
}

// refused tells whether an error is one of the outbox's own.
func refused(err error) bool {
	var (
		input *check.InputError
		state *outbox.RefusedError
	)
	return errors.As(err, &input) || errors.As(err, &state) ||
		errors.Is(err, outbox.ErrNotFound) || errors.Is(err, outbox.ErrInFlight) || errors.Is(err, outbox.ErrNoSession)
}

// Each database has its own way of saying that a table or a column is not there.

func noTablePostgres(err error) bool { return sqlState(err) == "42P01" || sqlState(err) == "42703" }

func noTableMySQL(err error) bool { return mysqlNumber(err) == 1146 || mysqlNumber(err) == 1054 }

// noTableSQLite reads the text, for SQLite gives all mistakes in a statement one number.
func noTableSQLite(err error) bool {
	text := err.Error()
	return strings.Contains(text, "no such table") || strings.Contains(text, "no such column") ||
		strings.Contains(text, "has no column named")
}

// sqlState is PostgreSQL's code of an error, or empty. Both drivers tell it by a method, so none is imported.
func sqlState(err error) string {
	var state interface{ SQLState() string }
	if !errors.As(err, &state) {
		return ""
	}
	return state.SQLState()
}
