// Package conformance proves the promises on real databases: every store
// against every database and driver, several senders, killed processes. It is a
// module of its own, so that no driver reaches a shop's build, and it has tests
// only. Package testdb brings the databases; the command withdb brings them
// once for a whole test run.
package conformance
