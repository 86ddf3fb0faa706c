package main

import (
	"strings"
	"unicode"
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
