// Package notified delivers add-ons to Notified's virtual events through its
// opcode API. [Client] is an [outbox.Destination] for messages of the kind
// [amsbridge.KindAddOns]: it sends opcode M, which adds the items to the person's
// registration.
//
// What the vendor's text says is followed to the letter: LASCmd goes first, the
// sizes are kept, and 71 and 72 are waited out. Where it is silent this package
// guesses, and says so beside the guess. Opcode I, which that text names on
// every opcode's page, creates users; it is never sent.
//
// Errors come as HTTP 200. A reply counts as a success only when it is whole,
// echoes opcode M alone with status 0, and counts as many add-ons as were asked
// for; see [Client.Deliver] for the rest, and docs/outcomes-notified.md for a
// table of all. That a reply is whole shows in [FormatXML] alone.
package notified
