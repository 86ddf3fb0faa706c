package notified

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// The roots of replies. The last two report that the call failed as a whole.
const (
	rootResults = "APIResults"
	rootFailed  = "CallFailed"
	rootStatus  = "APIStatus"
)

// maxDepth is more than the four levels of a real reply.
const maxDepth = 8

// xmlReply is a reply as encoding/xml reads it, with any root. Unknown elements and attributes are
// ignored, since the platform may add some.
type xmlReply struct {
	XMLName    xml.Name
	Result     string `xml:"APICallResult,attr"`
	Diagnostic string `xml:"APICallDiagnostic,attr"`
	Processed  string `xml:"OpCodesProcessed,attr"`
	InError    string `xml:"OpCodesInError,attr"`
	OpCodes    []struct {
		OpCode  string `xml:"OpCode,attr"`
		Status  string `xml:"Status,attr"`
		Message string `xml:"Message,attr"`
		Rows    []struct {
			Outputs []struct {
				XMLName xml.Name
				Value   string `xml:",chardata"`
			} `xml:",any"`
		} `xml:"ResultRow"`
	} `xml:"OpCodeResult"`
	Diag string `xml:"Diag,attr"` // of the other two roots
	Code string `xml:"Code,attr"` // of APIStatus
}

// parseXML reads an OutputFormat=X reply: first strictly, and if that fails, with the curly quotes
// around attribute values replaced, since the vendor's own sample has such quotes.
func parseXML(body string) (reply, error) {
	x, err := decodeXML(body)
	if err != nil {
		mended, ok := mendQuotes(body)
		if !ok {
			return reply{}, errNotReply
		}
		if x, err = decodeXML(mended); err != nil {
			return reply{}, errNotReply
		}
	}
	if root := x.XMLName.Local; root != rootResults {
		return reply{failed: root, result: x.Code, diagnostic: plain(x.Diag)}, nil
	}
	r := reply{result: x.Result, diagnostic: plain(x.Diagnostic), processed: x.Processed, inError: x.InError}
	for _, o := range x.OpCodes {
		op := opResult{code: o.OpCode, status: strings.TrimSpace(o.Status), message: plain(o.Message)}
		for _, outputs := range o.Rows {
			var read row
			for _, output := range outputs.Outputs {
				read = append(read, field{output.XMLName.Local, plain(output.Value)})
			}
			op.rows = append(op.rows, read)
		}
		r.ops = append(r.ops, op)
	}
	return r, nil
}

// decodeXML reads one document and nothing after it.
func decodeXML(body string) (x xmlReply, err error) {
	raw := xml.NewDecoder(strings.NewReader(body))
	// Another encoding than UTF-8 may be declared. By now the body is UTF-8, whatever it says of itself.
	raw.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	d := xml.NewTokenDecoder(&strictTokens{decoder: raw})
	if err := d.Decode(&x); err != nil {
		return xmlReply{}, err
	}
	if err := d.Decode(new(struct{})); !errors.Is(err, io.EOF) {
		return xmlReply{}, errNotReply
	}
	return x, nil
}

// strictTokens refuses what encoding/xml accepts and no reply has: another root, a root among the
// results, document types (and so all entities but XML's own five), a repeated attribute, text outside
// the root, and great depth.
type strictTokens struct {
	decoder *xml.Decoder
	root    string
	depth   int
}

// Token implements [xml.TokenReader]. The decoder that reads from it matches start and end tags.
func (s *strictTokens) Token() (xml.Token, error) {
	token, err := s.decoder.RawToken()
	if err != nil {
		return nil, err
	}
	good := true
	switch t := token.(type) {
	case xml.StartElement:
		good = s.open(t.Name.Local) && !repeats(t.Attr)
	case xml.EndElement:
		s.depth--
	case xml.CharData:
		good = s.depth > 0 || strings.TrimSpace(string(t)) == ""
	case xml.Directive:
		good = false
	}
	if !good {
		return nil, errNotReply
	}
	return token, nil
}

// open enters an element, and returns false if an element of that name may not begin there.
func (s *strictTokens) open(name string) bool {
	isRoot := slices.Contains([]string{rootResults, rootFailed, rootStatus}, name)
	s.depth++
	switch {
	case s.depth == 1:
		s.root = name
		return isRoot
	case s.depth == 2 && s.root == rootResults:
		return !isRoot
	}
	return s.depth <= maxDepth
}

// repeats tells whether an attribute occurs twice.
func repeats(attrs []xml.Attr) bool {
	seen := map[string]bool{}
	for _, a := range attrs {
		if seen[a.Name.Local] {
			return true
		}
		seen[a.Name.Local] = true
	}
	return false
}
