// Package faults makes the sandboxes of both platforms misbehave on command.
//
// A sandbox takes one [Fault] of its [Plan] for each call and serves the call with [Fault.Serve]: it
// fails before the effect or after it, late, cut off, or with nonsense. It is for tests and
// demonstrations; no production code imports it.
package faults
