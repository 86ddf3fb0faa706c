// Package elevatetest is a sandbox of Elevate's Registration API: an [http.Handler] in memory that
// behaves as the vendor's text says, refuses what the text does not allow, and misbehaves on command.
//
// # From the vendor's text
//
// A call is a POST of JSON with first name, last name, email, Unique User ID and Remote Product ID, all
// required. The user is found by the Unique User ID and updated, or else created, and then registered
// for the product. An optional field asks for a confirmation email. A successful answer carries the
// Product URL.
//
// # Guesses
//
// Everything else is made up, and a client that satisfies the sandbox is not proven to satisfy Elevate.
// Made up are the path, field names and credentials (all from the profile), every HTTP status, and the
// bodies of refusals; that an unknown field or a query is refused; that registering twice changes
// nothing, but mails again where a mail is asked for; and the product page. Public pages name products
// in Draft, closed and unknown as likely refusals; their texts are made up.
//
// # Misbehaviour
//
// Faults strike calls that are queued ([Server.Misbehave]), named by number or person, or chosen by a
// rate ([Server.Follow], which takes a [Script] or its text). [Config].UpsertDelay makes the upsert
// non-atomic, [Product].AppearsAfter makes a product appear late, and [Server.ReplyShapes] lists
// replies that are no success. The effects are in [Server.Journal], [Server.Ledger], [Server.Persons],
// [Server.Registrations] and [Server.Mails], and without personal data in [Server.WriteJournal].
//
// # The Report API
//
// It is served where [Config].ReportProfile is set. Its path, the names of the request's fields, the
// resource and the filter's form are from public pages. Guesses are everything in the profile, every
// status, that anything the profile does not name is refused, and that rows come in the order of
// registration. It has faults of its own: [Server.MisbehaveReports] and [Server.FollowReports].
package elevatetest
