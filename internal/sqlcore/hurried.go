package sqlcore

import (
	"context"
	"fmt"
)

// hurriedPostgres bounds, in milliseconds, what is waited for from here to the end of the transaction. The tables'
// own locks, which are held for a moment, count too.
func hurriedPostgres(ctx context.Context, q Conn, mayWait bool) (Conn, error) {
	most := "20"
	if mayWait {
		most = "200"
	}
	return q, later(ctx, q, "SELECT set_config('lock_timeout', '"+most+"', true)")
}

func waitedPostgres(err error) bool { return sqlState(err) == "55P03" }

// hurriedMySQL bounds what each statement waits for: a second is the least but nothing. MySQL, which has no
// SET STATEMENT, passes such comments over.
func hurriedMySQL(_ context.Context, q Conn, mayWait bool) (Conn, error) {
	return literals{hurriedConn{q.(literals), asInt(mayWait)}}, nil
}

type hurriedConn struct {
	literals
	seconds int
}

func (c hurriedConn) bound(text string) string {
	return fmt.Sprintf("/*M!100600 SET STATEMENT innodb_lock_wait_timeout = %d FOR */ %s", c.seconds, text)
}

func (c hurriedConn) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	return c.literals.Exec(ctx, c.bound(text), args...)
}

func (c hurriedConn) Each(ctx context.Context, scan func(Rows) error, text string, args ...any) error {
	return c.literals.Each(ctx, scan, c.bound(text), args...)
}

func (c hurriedConn) Insert(ctx context.Context, text string) (int64, error) {
	return c.literals.Insert(ctx, c.bound(text))
}
