//go:build race

package conformance

// mostOnSQLite is how many kept rows the plans on SQLite are asked beside: its
// engine is Go code, which the race detector makes ten times as slow. make test
// runs that test once more without the detector.
const mostOnSQLite = 50_000
