package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
)

// prepare prepares the statements that the dialect names, if the tables are
// there. It cannot be done later: inside the caller's transaction another
// connection may not be had.
func (s *Store) prepare(ctx context.Context) error {
	if len(s.d.prepare) == 0 {
		return nil
	}
	problem, err := schema(s.d.name).Problem(ctx, s.db)
	if err != nil || problem != "" {
		return err
	}
	s.prepared = map[string]*sql.Stmt{}
	for _, name := range s.d.prepare {
		stmt, err := s.db.PrepareContext(ctx, s.sql[name]) //nolint:sqlclosecheck // it ends with the shop's handle
		if err != nil {
			return fmt.Errorf("sqlstore: prepare: %w", err)
		}
		s.prepared[name] = stmt
	}
	return nil
}

// in returns the statement for use in the caller's transaction.
func (s *Store) in(ctx context.Context, tx querier, name string) statement {
	if stmt, ok := s.prepared[name]; ok {
		if tx, ok := tx.(*sql.Tx); ok {
			return statement{stmt: tx.StmtContext(ctx, stmt)}
		}
	}
	return statement{text: s.sql[name], on: tx}
}

// statement is prepared, or text on a transaction.
type statement struct {
	stmt *sql.Stmt
	text string
	on   querier
}

func (s statement) row(ctx context.Context, args ...any) *sql.Row {
	if s.stmt != nil {
		return s.stmt.QueryRowContext(ctx, args...)
	}
	return s.on.QueryRowContext(ctx, s.text, args...)
}

func (s statement) exec(ctx context.Context, args ...any) error {
	var err error
	if s.stmt != nil {
		_, err = s.stmt.ExecContext(ctx, args...)
	} else {
		_, err = s.on.ExecContext(ctx, s.text, args...)
	}
	return err
}
