package apiclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"syscall"
)

// inOurWords says why a call brought no answer, in words that are Go's, the system's and our own alone, without the
// URL. Nothing is taken out of such words: they are known, and a gap in them would tell the name that was there.
// Those about TLS and certificates begin as Go's do. An error of net/http that may quote what the other side sent is told by its kind.
func inOurWords(err error) string {
	var inURL *url.Error
	for errors.As(err, &inURL) {
		err = inURL.Err // its text without the URL
	}
	var (
		refused   *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		alert     *net.OpError
		timeout   net.Error
	)
	switch {
	case errors.As(err, &authority):
		return "x509: the certificate is signed by an unknown authority"
	case errors.As(err, &host):
		return "x509: the certificate is for another host"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "x509: the certificate has expired or is not yet valid"
	case errors.As(err, &refused), errors.As(err, &invalid):
		return "x509: the certificate does not verify"
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		return "tls: what answers does not speak TLS; is the endpoint's URL right?"
	case errors.As(err, &alert) && alert.Op == "remote error": // an alert of crypto/tls, which has its own words for each
		return "the server ended the TLS handshake: " + alert.Err.Error()
	case known(err):
		return err.Error()
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it took too long"
	}
	return "the connection failed, or what answers does not speak HTTP"
}

// known tells whether an error's words are Go's and the system's alone.
func known(err error) bool {
	var system syscall.Errno
	var lookUp *net.DNSError
	return errors.As(err, &system) || errors.As(err, &lookUp) ||
		slices.ContainsFunc([]error{
			io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, os.ErrDeadlineExceeded, context.Canceled, context.DeadlineExceeded,
		}, func(one error) bool { return errors.Is(err, one) })
}
