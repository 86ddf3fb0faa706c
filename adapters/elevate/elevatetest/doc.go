// Package elevatetest is a sandbox of Elevate's Registration API: an
// [http.Handler] in memory that behaves as the vendor's text says, refuses what
// the text does not allow, and misbehaves on command.
//
// # From the vendor's text
//
// A call is JSON, posted. It names first name, last name, email, Unique User ID
// and Remote Product ID; all are wanted. The user is found by the Unique User
// ID and updated, or else created, and then registered for the product. An
// optional field asks for a confirmation email. A successful answer carries the
// Product URL.
//
// # Guesses
//
// Everything else is made up, and a client that pleases the sandbox is no proof
// that it pleases Elevate: the path, field names and credentials (as the profile
// has them), every HTTP status, the bodies of refusals, that an unknown field or
// a query is refused, that registering twice changes nothing but mails again
// where a mail is asked for, and the product page. Public pages name products in
// Draft, closed and unknown as likely refusals; their words are made up.
//
// # Misbehaviour
//
// Faults strike calls that are queued ([Server.Misbehave]), named by number or
// person, or chosen by a rate ([Server.Follow], which takes a [Script] or its
// text). [Config].UpsertDelay makes the upsert one that is not atomic,
// [Product].AppearsAfter a product that comes late, and [Server.ReplyShapes]
// lists replies that are no success. What came of it is in [Server.Journal],
// [Server.Persons], [Server.Registrations] and [Server.Mails], and without
// personal data in [Server.WriteJournal].
//
// # The Report API
//
// It is served where [Config].ReportProfile is given. From public pages come its
// path, the names of the request's fields, the resource and the filter's form.
// Guesses are all that the profile says, every status, that anything not named
// in it is refused, and that rows come in the order of registration. It has
// misbehaviour of its own: [Server.MisbehaveReports] and [Server.FollowReports].
package elevatetest
