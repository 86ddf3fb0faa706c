package sqlcore

import (
	"context"
	"strings"
)

// logMySQL writes the log by a plain insertion: a receipt has no bound that a JSON_TABLE
// could be told of.
func logMySQL(ctx context.Context, s *Store, q Conn, now any, rows []settling) error {
	if now == nil {
		now = expression(s.d.now)
	}
	for len(rows) > 0 {
		var text strings.Builder
		text.WriteString("INSERT INTO amsbridge_attempt (" + attemptColumns + ") VALUES ")
		n := 0
		for n < len(rows) && (n == 0 || text.Len() < maxStatement) {
			if n > 0 {
				text.WriteByte(',')
			}
			r := rows[n]
			receipt := expression("NULL")
			if r.Receipt != nil {
				receipt = expression("x'" + *r.Receipt + "'")
			}
			err := writeRow(&text, r.ID, r.N, now, r.TookUS, r.Outcome, r.State, r.Duplicate, r.Doubt, r.Seq,
				r.Code, r.Reason, r.Detail, receipt, r.Releases, r.By)
			if err != nil {
				return err
			}
			n++
		}
		if _, err := q.Exec(ctx, text.String()); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}
