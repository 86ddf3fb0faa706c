// Package apiclient is the HTTP client that the platform clients share: bounded bodies, verified TLS,
// no redirects, no retry after a byte was sent, and errors that hold neither credentials nor personal
// data.
//
// It uses go-retryablehttp only for one immediate second try when no connection could be made. Every
// other retry is the outbox's, which counts and records attempts.
package apiclient
