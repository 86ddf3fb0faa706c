// Package ssoverify verifies the tokens that amsbridge.SSO signs, and accepts nothing else: hand-offs,
// each once ([New], [Verifier.Accept]), and pull sessions, for as long as the shop's own session lasts
// ([NewSessions], [Sessions.Require]).
//
// It is for receivers: a platform's sandbox, a service of the shop, or the web service by which the
// shop answers a platform (package handoff). No platform is claimed to verify our tokens by itself.
package ssoverify
