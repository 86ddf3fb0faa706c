// Package notified brings add-ons to Notified's virtual events, and people into
// them, through Notified's opcode API.
//
// [Client] is an [outbox.Destination] for messages of the kinds
// [amsbridge.KindAddOns] and [amsbridge.KindRemoveAddOns]: it adds items to the
// person's registration by opcode M, registers them first by K and R where the
// product says so, and takes items away by N. Its methods call the opcodes one
// by one ([Client.AddAddOns], [Client.ShowPackage] and so on), several at once
// ([Client.Chain]), and mint login tickets ([Client.LoginTicket]).
//
// What the vendor's text on M says is followed to the letter: LASCmd goes first,
// the sizes are kept, and 71 and 72 are waited out. The other opcodes are known
// from public pages and public code only; what they take and answer under which
// name is a setting, [Names]. Where all are silent this package guesses, and
// says so beside the guess.
//
// Opcode D is absent on purpose: it deletes the whole user, with all their
// registrations. A refund takes away what the order brought, and nothing else.
// Nor is I sent with each call, as a slip in the vendor's text has it on every
// opcode's page: it creates users.
//
// Errors come as HTTP 200. A reply counts as a success only when it echoes the
// opcodes that were sent, in their order and with status 0, and its totals agree;
// docs/outcomes-notified.md has a table of what replies come to. That a reply is
// whole shows in [FormatXML] alone.
package notified
