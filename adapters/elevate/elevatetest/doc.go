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
// has them), every HTTP status, the bodies of refusals, that an unknown field is
// refused, that a product can be closed, that registering twice changes nothing
// but mails again where a mail is asked for, and the product page.
//
// # The Report API
//
// It is served where [Config].ReportProfile is given. From public pages come its
// path, the names of the request's fields, the resource and the filter's form.
// Guesses are all that the profile says, every status, that anything not named
// in it is refused, and that rows come in the order of registration.
package elevatetest
