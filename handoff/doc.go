// Package handoff hands members who are signed in at the shop over to the platforms, so that nobody
// signs in twice. A shop lists its platforms and mounts the handlers on its own router:
//
//	handOffs, err := handoff.New(handoff.Config{
//		SSO: sso, SignIn: "/sign-in", StateKey: stateKey,
//		CurrentUser: func(r *http.Request) (amsbridge.User, error) { … }, // or amsbridge.ErrSignedOut
//		Platforms: []handoff.Platform{
//			{Name: "elevate", Title: "Elevate", URL: "https://learn.example.org/in", Destination: "elevate"},
//			{Name: "notified", Title: "Notified", Way: handoff.ByTicket, Tickets: notifiedClient},
//		},
//		Catalog: catalog, Standing: standing,
//	})
//	mux.Handle("/hand-off", handOffs.Start())
//	mux.Handle("/sign-out", handOffs.SignOut())
//
// The shop's pages then link to /hand-off?to=elevate&product=course-101. A member who is signed out is
// sent to SignIn first; that page gets the way back from [Handlers.WayBack]. Tokens are signed by
// [amsbridge.SSO.HandOff]; a platform written in Go verifies them with package ssoverify.
//
// A platform that is reached [ByCookie] asks the shop who the member is. A [Validator] answers it, and
// the middleware [Handlers.Session] around the shop's pages renews the cookie.
//
// # Several associations
//
// A user ID names a person within an association only, and a token holds no more than the ID. A shop that
// serves several associations makes Handlers with a StateKey of their own, and a Validator, for each:
// CurrentUser and UserInfo then know that one's members alone. It also gives each association audiences
// of its own: a name and a value for each tenant of a platform. With one audience for two of them, the
// member "1042" of the one would be let in as the member "1042" of the other, which nothing here can
// notice. Pull sessions of two associations below one parent domain need cookies of two names.
package handoff
