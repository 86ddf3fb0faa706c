// Package notifiedtest is a sandbox of Notified's opcode API: a strict
// [http.Handler] in memory that holds callers to the vendor's text, keeps a
// journal of what it was asked, and misbehaves on command.
//
// It knows opcode M so far. What the vendor's text leaves open is a guess, named
// so in the constants of status.go and in [Config]; a call that the sandbox
// takes is one that the text allows, not one that the platform is known to take.
//
// It serves any path that ends in /scripts/Server.nxp, so that a client's base
// URL is the test server's URL with that path.
package notifiedtest
