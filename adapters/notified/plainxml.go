package notified

import "unicode/utf8"

// plainXML reads an OutputFormat=X reply as platforms write most: elements,
// attributes in straight quotes and text, without references. It reads in one go
// and builds no tree. All else, and all that is wrong, it leaves to [readTree],
// and returns false.
func plainXML(body string) (reply, bool) {
	r := xmlReader{rest: body}
	r.pass("\ufeff")
	if r.pass(`<?xml version="1.0"`) {
		_ = r.pass(` encoding="utf-8"`) || r.pass(` encoding="UTF-8"`)
		r.white()
		r.need(r.pass("?>"))
	}
	r.white()
	var root, op element
	r.open(&root)
	got := reply{
		result: root.value("APICallResult"), diagnostic: plain(root.value("APICallDiagnostic")),
		processed: root.value("OpCodesProcessed"), inError: root.value("OpCodesInError"),
	}
	switch root.name {
	case "APIResults":
		for r.child(&root, &op) {
			r.need(op.name == "OpCodeResult")
			got.ops = append(got.ops, r.opResult(&op))
		}
	case "CallFailed":
		got = reply{failed: true, diagnostic: plain(root.value("Diag"))}
		r.text(&root)
	default:
		r.odd = true
	}
	r.white()
	if r.odd || r.rest != "" || r.wide && !utf8.ValidString(body) {
		return reply{}, false
	}
	return got, true
}

func (r *xmlReader) opResult(of *element) opResult {
	op := opResult{code: of.value("OpCode"), status: of.value("Status"), message: plain(of.value("Message"))}
	var e, value element
	for r.child(of, &e) {
		r.need(e.name == "ResultRow")
		var outputs row
		for r.child(&e, &value) {
			outputs = append(outputs, field{value.name, plain(r.text(&value))})
		}
		op.rows = append(op.rows, outputs)
	}
	return op
}
