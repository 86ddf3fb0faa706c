package handoff

import (
	"bufio"
	"io"
	"net"
	"net/http"

	"github.com/amsbridge/amsbridge/internal/web"
)

// personalWriter makes an answer that carries one person's cookie one that no cache keeps, whatever the page
// sets before it writes. A shared cache would hand the cookie to everybody.
type personalWriter struct {
	http.ResponseWriter
	sealed bool
}

// seal sets the headers, if they were not sent yet.
func (p *personalWriter) seal() {
	if p.sealed {
		return
	}
	p.sealed = true
	web.OnePerson(p.Header())
}

// WriteHeader seals the answer. Informational answers carry the headers too, and others follow them.
func (p *personalWriter) WriteHeader(status int) {
	p.seal()
	if status < http.StatusOK && status != http.StatusSwitchingProtocols {
		p.sealed = false
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *personalWriter) Write(b []byte) (int, error) {
	p.seal()
	return p.ResponseWriter.Write(b)
}

// ReadFrom keeps the connection's own way to send a file.
func (p *personalWriter) ReadFrom(r io.Reader) (int64, error) {
	p.seal()
	return io.Copy(p.ResponseWriter, r)
}

// Flush sends what was written, headers included.
func (p *personalWriter) Flush() {
	p.seal()
	_ = http.NewResponseController(p.ResponseWriter).Flush() // a writer that cannot is one without it
}

// Hijack takes the connection over.
func (p *personalWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(p.ResponseWriter).Hijack()
}

// Unwrap is for http.ResponseController.
func (p *personalWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }
