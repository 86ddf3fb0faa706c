// Package elevate delivers registrations to Elevate's Registration API: one
// POST of JSON over HTTPS for one user and one product. [Client] is an
// [outbox.Destination] for messages of kind [amsbridge.KindRegistration].
//
// # What is known
//
// Elevate's text ("Registration API") names the facts that go out (first name,
// last name, email, Unique User ID, Remote Product ID), an optional field that
// asks for a confirmation email, and the Product URL that a successful reply
// carries. It says that Elevate finds or creates the user by the Unique User ID
// and registers that user for the product.
//
// # What is a guess
//
// The URL's path, the authentication, every JSON field name and the shape of
// replies stand in a PDF that only the vendor hands out. They are a [Profile],
// which the caller must name; [GuessedProfile] is our guess and is called one.
// [ReadProfile] reads the vendor's word over it, and [Client.Preview] shows the
// request that comes of it. What each reply comes to, and when a confirmation
// email is asked for, stands in docs/outcomes-elevate.md. [Client.Check] looks at
// a real account without registering anybody.
//
// # The Report API
//
// [Reports] reads who is registered for what, for reconciliation. Public pages
// tell its path and the request's fields; the rest is a [ReportProfile] and a
// guess as well.
//
// # What is not promised
//
// That a repeated push is harmless at Elevate: by its text the user is upserted
// by ID, but what a second registration of the same product does is unsaid. A
// repeat carries the same key in the header Amsbridge-Key, which nobody says
// that Elevate reads.
package elevate
