// Package apiclient is the HTTP manners that the platform clients share:
// bounded bodies, verified TLS, no redirects, no retry after a byte was sent,
// and errors that hold neither credentials nor personal data.
//
// It sits on go-retryablehttp for one purpose: a single immediate second try
// when no connection could be had at all. Every other retry belongs to the
// outbox, which counts attempts and keeps them on record.
package apiclient
