// Package ssoverify accepts the tokens that amsbridge.SSO signs, and nothing
// else: hand-offs, each once ([New], [Verifier.Accept]), and pull sessions, for as
// long as the shop's own session lasts ([NewSessions], [Sessions.Require]).
//
// It is for receivers: a platform's sandbox, a service of the shop's own, or the
// web service by which the shop answers a platform (package handoff). That a
// platform parses our tokens by itself is claimed of none.
package ssoverify
