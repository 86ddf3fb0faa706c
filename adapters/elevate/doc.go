// Package elevate registers people through Elevate's Registration API: one POST of JSON over HTTPS for
// each user and product. [Client] is an [amsbridge.Platform]; [amsbridge.NewDestination] makes a
// destination of it.
//
// # What is known
//
// Elevate's text ("Registration API") names the facts that are sent (first name, last name, email,
// Unique User ID, Remote Product ID), an optional field that asks for a confirmation email, and the
// Product URL in a successful reply. It says that Elevate finds or creates the user by the Unique User
// ID and registers that user for the product.
//
// # What is a guess
//
// The URL's path, the authentication, every JSON field name and the shape of replies stand on a public page of
// the vendor's ("Elevate Registration API", section "Programming Details"), of which this package's authors have the
// beginning alone. They are a [Profile], which the caller must name. [ReadProfile] reads one from a file that
// a shop fills in from that page: docs/connect-elevate.md shows how. [GuessedProfile] is our guess and is called
// one. [Client.Preview] shows the resulting request. What each reply counts as, and when a confirmation email is
// asked for, is in docs/outcomes-elevate.md. [Client.Check] tests a real account without registering anybody.
//
// # The Report API
//
// [Reports] reads who is registered for what, for reconciliation. Its path and the request's fields are
// on public pages; the rest is a [ReportProfile], and a guess as well.
//
// # What is not promised
//
// It is not promised that a repeated push is harmless at Elevate. By its text the user is upserted by
// ID, but it does not say what a second registration for the same product does. A repeat carries the
// same key in the header Amsbridge-Key, which Elevate is not known to read. Nor is a call known that
// ends a registration: what is to be taken back becomes work for a person ([Client.Take]).
package elevate
