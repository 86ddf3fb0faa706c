package elevate

import (
	"slices"
	"strings"
	"unicode"
)

// ofProduct tells whether the text of a 404 speaks of the product, so that it is the API that answers. Every
// other one may be a wrong path's, whose words each server chooses: it is tentative, which is safe, since one
// message alone is only sent again. So is one that speaks of a path too. Lists and objects are read as their
// JSON, whose field names are words like others.
func ofProduct(text string) bool {
	found := false
	for token := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-%", r)
	}) {
		if strings.Contains(token, "/") {
			continue // a path
		}
		for word := range strings.FieldsFuncSeq(token, func(r rune) bool { return !unicode.IsLetter(r) }) {
			switch {
			case slices.Contains([]string{"api", "endpoint", "get", "method", "page", "path", "post", "route", "routes", "uri", "url"}, word):
				return false
			case slices.Contains([]string{"product", "products", "productid", "course", "courses", "courseid"}, word):
				found = true
			}
		}
	}
	return found
}
