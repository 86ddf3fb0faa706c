// Package notified brings add-ons to Notified's virtual events, and registers people for them, through
// Notified's opcode API.
//
// [Client] is an [amsbridge.Platform]; [amsbridge.NewDestination] makes a destination of it. It adds
// add-ons to the person's registration by opcode M, registers the person first by K and R where the
// product says so, and removes add-ons by N. Its other methods call one opcode ([Client.AddAddOns],
// [Client.ShowPackage] and so on), several at once ([Client.Chain]), or mint login tickets
// ([Client.LoginTicket]).
//
// The vendor's text on M is followed to the letter: LASCmd comes first, the sizes are kept, and 71 and
// 72 are waited out. The other opcodes are known only from public pages and public code; the names of
// their parameters and outputs are settings, [Names]. Where all of these are silent this package
// guesses, and says so at the guess.
//
// Opcode D is absent on purpose: it deletes the whole user with all registrations, while a refund takes
// away only what the order brought. Opcode I is not sent with each call, although a slip in the
// vendor's text shows it on every opcode's page: it creates users.
//
// Errors come as HTTP 200. A reply is a success only when it echoes the opcodes that were sent, in
// order and with status 0, and its totals agree; docs/outcomes-notified.md has a table of the outcomes.
// Only [FormatXML] shows whether a reply is complete.
package notified
