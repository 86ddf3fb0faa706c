package amsbridge

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MaxAddOnList is the longest AddOnsChangeList, in bytes (the vendor's text of opcode M: Varchar 8000).
// A product's add-on keys of a show are one list.
const MaxAddOnList = 8000

// OnNotified tells whether the product lives on Notified.
func (p Product) OnNotified() bool {
	return p.ShowKey != 0 || p.ShowPackageKey != 0 || len(p.AddOnKeys) > 0
}

// showProblem returns the first field that prevents a call to Notified, and what is wrong with it.
func (p Product) showProblem() (field, problem string) {
	switch {
	case p.ShowKey <= 0:
		return "show key", "is not positive"
	case p.ShowPackageKey < 0:
		return "show package key", "is negative"
	case len(p.AddOnKeys) == 0 && p.ShowPackageKey == 0:
		return "add-on keys", "are empty"
	case slices.ContainsFunc(p.AddOnKeys, func(k int64) bool { return k <= 0 }):
		return "add-on keys", "hold one that is not positive"
	case len(addOnList(sortedKeys(p.AddOnKeys))) > MaxAddOnList:
		return "add-on keys", "are longer than 8,000 bytes as a list"
	}
	return "", ""
}

// addOnList is a list of keys as Notified reads it.
func addOnList(keys []int64) string {
	var b strings.Builder
	for i, k := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(k, 10))
	}
	return b.String()
}

// addOnsNamed lists some keys for a person to read.
func addOnsNamed(keys []int64) string {
	const few = 20
	text := "add-ons " + strings.ReplaceAll(addOnList(keys[:min(few, len(keys))]), ",", ", ")
	if len(keys) > few {
		text += fmt.Sprintf(" and %d more", len(keys)-few)
	}
	return text
}
