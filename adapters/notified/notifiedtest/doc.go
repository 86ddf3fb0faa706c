// Package notifiedtest is a sandbox of Notified's opcode API: a strict
// [http.Handler] in memory that holds callers to the vendor's text, keeps a
// journal of what it was asked, and misbehaves on command.
//
// It knows the opcodes M, N and A (add-ons), R, r, K and Z (registrations), C,
// I, U, D and G (people) and T (login tickets), alone and chained from left to
// right, and opens the event to whoever brings a ticket that T made. Opcode M
// follows the vendor's text. The other opcodes follow what public code of others
// sends and reads; where that is silent too, the sandbox guesses, and says so at
// the constants of status.go, in [Config] and at [Names]. A call that the
// sandbox takes is one that the text allows, not one that the platform is known
// to take.
//
// It serves any path that ends in /scripts/Server.nxp, so that a client's base
// URL is the test server's URL with that path. Clients that others wrote for the
// platform need nothing of ours: no header, no order of parameters beyond
// LASCmd first.
package notifiedtest
