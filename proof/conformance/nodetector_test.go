//go:build !race

package conformance

// mostOnSQLite is how many kept rows the plans on SQLite are asked beside.
const mostOnSQLite = 1_000_000
