// Package conformance proves the promises on real databases: every store
// against every database and driver, several senders, killed processes. It has tests
// only. Package testdb brings the databases; the command withdb brings them
// once for a whole test run.
package conformance
