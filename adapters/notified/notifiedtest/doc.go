// Package notifiedtest is a sandbox of Notified's opcode API: a strict [http.Handler] in memory that
// holds callers to the vendor's text, keeps a journal of the calls, and misbehaves on command.
//
// It knows the opcodes M, N and A (add-ons), R, r, K and Z (registrations), C, I, U, D and G (people), F
// (shows), J (attendee types) and T (login tickets), alone and chained from left to right. It opens the
// event to whoever brings a ticket that T made. Beside these, of module 50500, it answers the modules 50540
// and 50565 as far as public code of others calls them, each with its own way of refusing credentials.
//
// Opcode M follows the vendor's text. The other opcodes follow what public code of others sends and reads.
// Where that is silent too, the sandbox guesses, and says so at the constants of status.go, in [Config] and
// at [Names]. A call that the sandbox accepts is one that the text allows, not one that the platform is
// known to accept.
//
// It serves any path that ends in /scripts/Server.nxp, so that a client's base URL is the test server's
// URL with that path. Clients that others wrote for the platform work without changes: they need no
// header of ours, and no order of parameters except LASCmd first.
package notifiedtest
