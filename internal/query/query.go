// Package query reads our own parameters out of a query that others may have added to: mailing programs and
// trackers write what they like, and a link must still work.
package query

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Read returns the parameters of a raw query that have one of the names, each with all its values in their
// order. All others are ignored, whatever they look like: with broken escapes, with semicolons, or in any
// number. Where a name is missing, "amp;name" stands for it: some who write a link into a page escape its "&"
// twice. It returns an error only where the value of one of the names has a broken escape.
func Read(raw string, names ...string) (url.Values, error) { return read(raw, "", names) }

// ReadIDs is Read for IDs and numbers, as [url.Values.Encode] writes them: a value ends at a raw "?" or ";".
// Mailing programs append "?utm_source=…" to a link that has a query already. What is cut off and has one of the
// names is an error: a link for two is none for one. Paths may hold both raw.
func ReadIDs(raw string, names ...string) (url.Values, error) { return read(raw, "?;", names) }

func read(raw, ends string, names []string) (url.Values, error) {
	own, escaped := url.Values{}, url.Values{}
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		name, twice := strings.CutPrefix(name, "amp;")
		if err != nil || !slices.Contains(names, name) {
			continue
		}
		if at := strings.IndexAny(value, ends); at >= 0 {
			for more := range strings.FieldsFuncSeq(value[at:], func(r rune) bool { return strings.ContainsRune(ends, r) }) {
				if name, _, _ := strings.Cut(more, "="); slices.Contains(names, name) {
					return nil, errAppended
				}
			}
			value = value[:at]
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, err
		}
		if twice {
			escaped.Add(name, value)
		} else {
			own.Add(name, value)
		}
	}
	for name, values := range escaped {
		if !own.Has(name) {
			own[name] = values
		}
	}
	return own, nil
}

var errAppended = errors.New("a parameter follows another one without an ampersand")

// Write returns a query of those of the parameters that have a value: the first of each, in the order of the names.
func Write(own url.Values, names ...string) string {
	var pairs []string
	for _, name := range names {
		if value := own.Get(name); value != "" {
			// A slash need not be escaped there (RFC 3986 section 3.4), and paths are shorter so.
			pairs = append(pairs, name+"="+strings.ReplaceAll(url.QueryEscape(value), "%2F", "/"))
		}
	}
	return strings.Join(pairs, "&")
}

// Form returns the fields of a POST's form, which has at most limit bytes. The query, and what is wrong with
// it, is none of the form's. A form that somebody has read already is still there, and stays so for others.
func Form(w http.ResponseWriter, r *http.Request, limit int64) (url.Values, error) {
	form := r.WithContext(r.Context())
	form.URL = &url.URL{}
	form.Body = http.MaxBytesReader(w, r.Body, limit)
	err := form.ParseForm()
	r.PostForm = form.PostForm
	return form.PostForm, err
}
