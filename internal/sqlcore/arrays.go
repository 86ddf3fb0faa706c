package sqlcore

import (
	"fmt"
	"strings"
)

// postgresArrays is PostgreSQL for a driver that sends []int64, []string and
// [][]byte as arrays, in binary where it can.
var postgresArrays = withArrays(*postgres)

var arrayTypes = map[columnKind]string{kindInt: "bigint[]", kindText: "text[]", kindBytes: "bytea[]"}

func withArrays(d dialect) *dialect {
	d.arrays = true
	d.list = func(n int, kind columnKind) string {
		return fmt.Sprintf("(SELECT unnest(?%d::%s))", n, arrayTypes[kind])
	}
	d.rows = func(n int, columns []column) string {
		var names, parameters []string
		for i, c := range columns {
			names = append(names, c.name)
			parameters = append(parameters, fmt.Sprintf("?%d::%s", n+i, arrayTypes[c.kind]))
		}
		return "unnest(" + strings.Join(parameters, ", ") + ") AS s(" + strings.Join(names, ", ") + ")"
	}
	return &d
}
