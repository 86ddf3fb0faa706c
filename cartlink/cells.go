package cartlink

import (
	"strings"
	"unicode"
)

// writeRow writes cells as a row of CSV, each quoted: encoding/csv quotes only where a comma is the separator,
// and a spreadsheet reads the one of its reader's country.
func writeRow(b *strings.Builder, cells ...string) {
	for i, cell := range cells {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		b.WriteString(strings.ReplaceAll(inert(cell), `"`, `""`))
		b.WriteByte('"')
	}
	b.WriteString("\r\n")
}

// inert keeps every spreadsheet from reading a cell, or a part of it, as a formula. A spreadsheet whose
// separator is not the comma reads a row's second quote as part of a text, and goes on to split it: so what
// follows any separator is a beginning too. White space, quotes and what is invisible before a formula are read
// over, as spreadsheets do.
func inert(cell string) string {
	var b strings.Builder
	if strings.IndexFunc(strings.TrimLeftFunc(cell, readOver), beginsFormula) == 0 ||
		strings.ContainsAny(cell[:min(1, len(cell))], "\t\r\n") {
		b.WriteByte('\'') // before the white space, which some of them keep
	}
	begins := false
	for _, r := range cell {
		if begins && beginsFormula(r) {
			b.WriteByte('\'')
		}
		begins = isSeparator(r) || begins && readOver(r)
		b.WriteRune(r)
	}
	return b.String()
}

// beginsFormula matches the full-width forms too, which East Asian spreadsheets read alike.
func beginsFormula(r rune) bool { return strings.ContainsRune("=+-@＝＋－＠", r) }

func isSeparator(r rune) bool { return strings.ContainsRune(";,|\t\r\n\u2028\u2029", r) }

func readOver(r rune) bool { return r == '"' || unicode.IsSpace(r) || !unicode.IsPrint(r) }
