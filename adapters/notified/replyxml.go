package notified

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// errNotReply is all that is said of a reply that cannot be read: the decoder's
// own errors quote it.
var errNotReply = errors.New("the reply is not the XML of the opcode API")

// maxDepth is more than the reply's four levels; deeper is hostile.
const maxDepth = 8

// parseXML reads an OutputFormat=X reply: strictly first, and on failure with
// the curly quotes mended that stand as attribute quotes, as they do in the
// vendor's own sample.
func parseXML(body string) (reply, error) {
	if r, ok := plainXML(body); ok {
		return r, nil
	}
	return fullXML(body)
}

func fullXML(body string) (reply, error) {
	root, err := readTree([]byte(body))
	if err != nil {
		mended, ok := mendQuotes(body)
		if !ok {
			return reply{}, err
		}
		if root, err = readTree([]byte(mended)); err != nil {
			return reply{}, err
		}
	}
	return root.reply()
}

// node is an element.
type node struct {
	name     string
	attrs    map[string]string
	children []*node
	text     strings.Builder // all character data directly inside
}

// readTree reads one document and nothing after it. Document types are refused,
// and with them every entity but the five of XML itself.
func readTree(body []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	var root *node
	var open []*node
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && root != nil && len(open) == 0 {
			return root, nil
		}
		if err != nil {
			return nil, errNotReply
		}
		switch t := token.(type) {
		case xml.StartElement:
			n, ok := newNode(t)
			switch {
			case !ok, len(open) == maxDepth, len(open) == 0 && root != nil:
				return nil, errNotReply
			case len(open) == 0:
				root = n
			default:
				parent := open[len(open)-1]
				parent.children = append(parent.children, n)
			}
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text.Write(t)
			} else if strings.TrimSpace(string(t)) != "" {
				return nil, errNotReply
			}
		case xml.Directive:
			return nil, errNotReply
		}
	}
}

// newNode refuses an attribute that is there twice; encoding/xml does not.
func newNode(t xml.StartElement) (*node, bool) {
	n := &node{name: t.Name.Local, attrs: make(map[string]string, len(t.Attr))}
	for _, a := range t.Attr {
		if _, twice := n.attrs[a.Name.Local]; twice {
			return nil, false
		}
		n.attrs[a.Name.Local] = a.Value
	}
	return n, true
}

// reply reads the tree. Elements that it does not know are passed over, for the
// platform may add some.
func (n *node) reply() (reply, error) {
	if n.name == "CallFailed" {
		return reply{failed: true, diagnostic: plain(n.attrs["Diag"])}, nil
	}
	if n.name != "APIResults" {
		return reply{}, errNotReply
	}
	r := reply{
		result: n.attrs["APICallResult"], diagnostic: plain(n.attrs["APICallDiagnostic"]),
		processed: n.attrs["OpCodesProcessed"], inError: n.attrs["OpCodesInError"],
	}
	for _, child := range n.children {
		switch child.name {
		case "OpCodeResult":
			r.ops = append(r.ops, child.opResult())
		case "CallFailed", "APIResults":
			return reply{}, errNotReply
		}
	}
	return r, nil
}

func (n *node) opResult() opResult {
	op := opResult{code: n.attrs["OpCode"], status: n.attrs["Status"], message: plain(n.attrs["Message"])}
	for _, child := range n.children {
		if child.name != "ResultRow" {
			continue
		}
		var r row
		for _, value := range child.children {
			r = append(r, field{value.name, plain(value.text.String())})
		}
		op.rows = append(op.rows, r)
	}
	return op
}
