package cartlink

import (
	"encoding/csv"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

func TestStaffList(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
		{ID: "b", RemoteProductID: `=HYPERLINK("x")`},
		{ID: "a", RemoteProductID: "C,1"},
		{ID: "book"},
		{ID: "c", RemoteProductID: "@x"},
	}})
	require.NoError(t, err)
	staff := true
	authorize := func(*http.Request) error {
		if !staff {
			return errors.New("no")
		}
		return nil
	}
	h, err := NewStaffList(StaffListConfig{Links: e.links, Catalog: catalog, Authorize: authorize})
	require.NoError(t, err)
	ask := func(method string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(method, "/staff/products.csv", nil))
		return rec
	}
	rows, err := csv.NewReader(ask(http.MethodGet).Body).ReadAll()
	require.NoError(t, err)
	require.Equal(t, [][]string{
		{"Product ID", "Remote Product ID", "Remote Product Registration URL"},
		{"a", "C,1", "https://shop.example.org/buy?product=a"},
		{"b", `'=HYPERLINK("x")`, "https://shop.example.org/buy?product=b"},
		{"c", "'@x", "https://shop.example.org/buy?product=c"},
	}, rows)
	require.Equal(t, http.StatusMethodNotAllowed, ask(http.MethodPost).Code)
	staff = false
	refused := ask(http.MethodGet)
	require.Equal(t, http.StatusForbidden, refused.Code)
	require.NotContains(t, refused.Body.String(), "C,1")
}

// cellsOf splits a text as spreadsheets do, with any separator: a cell that begins with a quote ends at the next
// one that is not doubled, and what follows up to the separator belongs to it.
func cellsOf(text string, separator byte) (cells []string) {
	var cell strings.Builder
	quoted, began := false, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '"' && i+1 < len(text) && text[i+1] == '"':
			cell.WriteByte(c)
			i++
		case quoted && c == '"':
			quoted = false
		case quoted:
			cell.WriteByte(c)
		case c == separator || c == '\n' || c == '\r':
			cells = append(cells, cell.String())
			cell.Reset()
			began = false
		case c == '"' && !began:
			quoted, began = true, true
		default:
			began = true
			cell.WriteByte(c)
		}
	}
	return append(cells, cell.String())
}

func assertInert(t *testing.T, ids ...string) {
	t.Helper()
	var b strings.Builder
	writeRow(&b, ids...)
	for _, separator := range []byte(",;\t|") {
		for _, cell := range cellsOf(b.String(), separator) {
			rest := strings.TrimLeftFunc(cell, func(r rune) bool { return r == '"' || unicode.IsSpace(r) || !unicode.IsPrint(r) })
			require.NotRegexp(t, `^[=+\-@＝＋－＠]`, rest, "%q, read with %q", b.String(), separator)
		}
	}
}

func TestStaffListCellsAreInertInEverySpreadsheet(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\u00a0=1", "\u3000=1", "\ufeff=1", "\u200b=1", "\u202e=1", "\x00=1", "\x0b=1", "\"=1", "\"\"=1",
		"a;=1", "a; =1", "a,=1", "a\t=1", "a|=1", "a\n=1", "a\r\n=1", "a;\"=1", "a\";=1", "a\",\"=1", ";;=1", "=;=", "＝1", "a;＋1", "a\u2028=1", "\n=1",
	} {
		assertInert(t, id)
		assertInert(t, "a", id, "b")
		assertInert(t, id, id, id)
	}
	for _, id := range []string{"C-1", "course=1", "a;b", "a, b", "a \"b\"", "é", "", "2;3", "'=1", "a;'=1"} {
		require.Equal(t, id, inert(id), "as staff must type it")
	}
	var b strings.Builder
	writeRow(&b, "a", `b"c`, "")
	require.Equal(t, "\"a\",\"b\"\"c\",\"\"\r\n", b.String(), "every cell is quoted")
}

// FuzzStaffListCells: whatever an ID is, no spreadsheet sees a formula, and a reader of RFC 4180 reads it back.
func FuzzStaffListCells(f *testing.F) {
	for _, seed := range []string{"=1", "a;=1", "a\",\"=1", "\t@x", "＝"} {
		f.Add(seed, "b")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			return
		}
		assertInert(t, "x", a, b)
		var row strings.Builder
		writeRow(&row, a, b)
		back, err := csv.NewReader(strings.NewReader(row.String())).Read()
		require.NoError(t, err)
		unix := strings.NewReplacer("\r\n", "\n") // encoding/csv normalises line ends in cells
		require.Equal(t, []string{unix.Replace(inert(a)), unix.Replace(inert(b))}, back)
	})
}

func TestNewStaffListNamesTheBadField(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	catalog := e.cfg.Catalog.(amsbridge.CatalogList)
	authorize := func(*http.Request) error { return nil }
	var noCatalog *amsbridge.StaticCatalog
	for field, cfg := range map[string]StaffListConfig{
		"StaffListConfig.Links":     {Catalog: catalog, Authorize: authorize},
		"StaffListConfig.Catalog":   {Links: e.links, Catalog: noCatalog, Authorize: authorize},
		"StaffListConfig.Authorize": {Links: e.links, Catalog: catalog},
	} {
		_, err := NewStaffList(cfg)
		var input *amsbridge.InputError
		require.ErrorAs(t, err, &input, field)
		require.Equal(t, field, input.Field)
	}
	_, err := e.links.SetUp(t.Context(), noCatalog)
	require.EqualError(t, err, "cartlink: catalog is nil")
	_, err = e.links.VerifyCatalog(t.Context(), nil, nil)
	require.EqualError(t, err, "cartlink: catalog is nil")
}
