// Package faults is how the sandboxes of both platforms misbehave on command.
//
// A sandbox takes one [Fault] of its [Plan] for each call and lets [Fault.Serve]
// carry the call out: before the effect, after it, late, cut or with nonsense.
// It is for tests and demonstrations; nothing in a production path imports it.
package faults
