package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
)

// inert makes one line of at most limit characters of a text that came from
// outside: what is invisible, moves the cursor or turns the direction of
// reading is shown as a box.
func inert(s string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range s { // what is no UTF-8 comes as U+FFFD
		if n == limit {
			return b.String() + "…"
		}
		if !unicode.IsPrint(r) {
			r = '\uFFFD'
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// shown is a text from outside as the page shows it.
func shown(s string) string { return inert(s, maxText) }

func allShown(texts []string) (all []string) {
	for _, t := range texts {
		all = append(all, shown(t))
	}
	return all
}

// typed is a script as one types it, in which JSON's own escapes stand for what is invisible or turns the
// direction of reading: it is shown in a form, and must mean the same when it comes back.
func typed(script string) string {
	var b strings.Builder
	for _, r := range script {
		if unicode.IsPrint(r) || strings.ContainsRune("\n\r\t", r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}
