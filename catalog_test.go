package amsbridge_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

func TestCatalogNamesTheBadProductAndField(t *testing.T) {
	t.Parallel()
	good := amsbridge.Product{ID: "good", RemoteProductID: "C-1", ShowKey: 7, AddOnKeys: []int64{1}}
	for name, c := range map[string]struct {
		spoil func(*amsbridge.Product)
		field string
	}{
		"no ID":                       {func(p *amsbridge.Product) { p.ID = "" }, "ID"},
		"long ID":                     {func(p *amsbridge.Product) { p.ID = strings.Repeat("x", 256) }, "ID"},
		"ID of bad UTF-8":             {func(p *amsbridge.Product) { p.ID = "\xff" }, "ID"},
		"control in ID":               {func(p *amsbridge.Product) { p.ID = "a\u2028b" }, "ID"},
		"listed twice":                {func(p *amsbridge.Product) { p.ID = "first" }, "ID"},
		"long remote ID":              {func(p *amsbridge.Product) { p.RemoteProductID = strings.Repeat("x", 256) }, "RemoteProductID"},
		"control in remote":           {func(p *amsbridge.Product) { p.RemoteProductID = "C\n1" }, "RemoteProductID"},
		"add-ons, no show":            {func(p *amsbridge.Product) { p.ShowKey = 0 }, "ShowKey"},
		"negative show":               {func(p *amsbridge.Product) { p.ShowKey = -7 }, "ShowKey"},
		"negative, no add-on":         {func(p *amsbridge.Product) { p.ShowKey, p.AddOnKeys = -7, nil }, "ShowKey"},
		"show, no add-ons":            {func(p *amsbridge.Product) { p.AddOnKeys = nil }, "AddOnKeys"},
		"zero add-on":                 {func(p *amsbridge.Product) { p.AddOnKeys = []int64{1, 0, 2} }, "AddOnKeys"},
		"negative add-on":             {func(p *amsbridge.Product) { p.AddOnKeys = []int64{-1} }, "AddOnKeys"},
		"negative package":            {func(p *amsbridge.Product) { p.ShowPackageKey = -1 }, "ShowPackageKey"},
		"package, no show":            {func(p *amsbridge.Product) { *p = amsbridge.Product{ID: "x", ShowPackageKey: 7} }, "ShowKey"},
		"8,001 bytes of keys":         {func(p *amsbridge.Product) { p.AddOnKeys = keysOf(1601) }, "AddOnKeys"},
		"includes itself":             {func(p *amsbridge.Product) { p.Includes = []string{"good"} }, "Includes"},
		"includes an empty ID":        {func(p *amsbridge.Product) { p.Includes = []string{""} }, "Includes"},
		"includes what is not listed": {func(p *amsbridge.Product) { p.Includes = []string{"first", "gone"} }, "Includes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := good
			c.spoil(&bad)
			_, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{{ID: "first"}, bad}})
			var input *amsbridge.InputError
			require.ErrorAs(t, err, &input)
			require.Equal(t, "CatalogConfig.Products[1]."+c.field, input.Field)
			require.NotEmpty(t, input.Problem)
		})
	}
	good.ID, good.RemoteProductID = strings.Repeat("x", 255), strings.Repeat("é", 127)
	good.AddOnKeys = append(keysOf(1599), 10000)
	entrance := amsbridge.Product{ID: "entrance", ShowKey: 7, ShowPackageKey: 70}
	_, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{good, entrance}})
	require.NoError(t, err, "the limits themselves, and a product that only registers")
}

// keysOf returns n keys of four digits.
func keysOf(n int) []int64 {
	var keys []int64
	for i := range n {
		keys = append(keys, int64(1000+i))
	}
	return keys
}

func TestCatalogAnswers(t *testing.T) {
	t.Parallel()
	listed := []amsbridge.Product{
		{ID: "course", RemoteProductID: "C-1"}, {ID: "dinner", ShowKey: 7, AddOnKeys: []int64{1}}, {ID: "book"},
	}
	for _, c := range []struct {
		id       string
		lenient  bool
		offering amsbridge.Offering
		want     amsbridge.Product
	}{
		{"course", false, amsbridge.Offered, listed[0]},
		{"dinner", true, amsbridge.Offered, listed[1]},
		{"book", false, amsbridge.NotOffered, listed[2]},
		{"Course", false, amsbridge.Unknown, amsbridge.Product{}},
		{"forgotten", false, amsbridge.Unknown, amsbridge.Product{}},
		{"forgotten", true, amsbridge.NotOffered, amsbridge.Product{}},
		{"", false, amsbridge.Unknown, amsbridge.Product{}},
	} {
		catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: listed, UnlistedNotOffered: c.lenient})
		require.NoError(t, err)
		p, offering, err := catalog.Lookup(t.Context(), c.id)
		require.NoError(t, err)
		require.Equal(t, c.offering, offering, c.id)
		require.Equal(t, c.want, p, c.id)
	}
}

func TestCatalogKeepsItsOwnKeys(t *testing.T) {
	t.Parallel()
	keys := []int64{1, 2}
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{{ID: "dinner", ShowKey: 7, AddOnKeys: keys}}})
	require.NoError(t, err)
	keys[0] = 99
	p, _, err := catalog.Lookup(t.Context(), "dinner")
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2}, p.AddOnKeys)
}

func TestPartsOfABundle(t *testing.T) {
	t.Parallel()
	catalog, err := amsbridge.NewCatalog(amsbridge.CatalogConfig{Products: []amsbridge.Product{
		{ID: "all", Includes: []string{"half", "c3", "book"}},
		{ID: "half", RemoteProductID: "h", Includes: []string{"c1", "all"}},
		{ID: "c1", RemoteProductID: "c1"},
		{ID: "c3", RemoteProductID: "c3"},
		{ID: "book"},
	}})
	require.NoError(t, err)
	all, offering, err := catalog.Lookup(t.Context(), "all")
	require.NoError(t, err)
	require.Equal(t, amsbridge.Offered, offering)
	all.Includes = append(all.Includes, "unheard of")
	parts, unknown, err := amsbridge.Parts(t.Context(), catalog, all)
	require.NoError(t, err)
	require.Equal(t, []string{"unheard of"}, unknown)
	var ids []string
	for _, p := range parts {
		ids = append(ids, p.ID)
	}
	require.Equal(t, []string{"all", "half", "c3", "c1"}, ids)
}
