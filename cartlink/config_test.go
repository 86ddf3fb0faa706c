package cartlink

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
)

func TestNewNamesTheBadField(t *testing.T) {
	t.Parallel()
	var noCart *env
	var noCatalog *amsbridge.StaticCatalog
	for _, c := range []struct {
		field  string
		change func(*Config)
	}{
		{"Config.BaseURL", func(cfg *Config) { cfg.BaseURL = "http://shop.example.org/buy" }},
		{"Config.BaseURL", func(cfg *Config) { cfg.BaseURL = "https://shop.example.org" }},
		{"Config.BaseURL", func(cfg *Config) { cfg.BaseURL = "https://shop.example.org/buy?x=1" }},
		{"Config.Cart", func(cfg *Config) { cfg.Cart = nil }},
		{"Config.Cart", func(cfg *Config) { cfg.Cart = noCart }},
		{"Config.Catalog", func(cfg *Config) { cfg.Catalog = nil }},
		{"Config.Catalog", func(cfg *Config) { cfg.Catalog = noCatalog }},
		{"Config.CartPage", func(cfg *Config) { cfg.CartPage = "https://elsewhere.example/cart" }},
		{"Config.ShopPage", func(cfg *Config) { cfg.ShopPage = "//evil.example" }},
		{"Config.Policy", func(cfg *Config) { cfg.Policy = 9 }},
		{"Config.MaxQuantity", func(cfg *Config) { cfg.MaxQuantity = -1 }},
		{"Config.Association", func(cfg *Config) { cfg.Association = "acme/beta" }},
		{"Config.CurrentUser", func(cfg *Config) { cfg.CurrentUser = nil }},
		{"Config.Standing", func(cfg *Config) { cfg.Standing = nil }},
		{"Config.Pages.Lang", func(cfg *Config) { cfg.Pages.Lang = "\n" }},
	} {
		bad := newEnv(t, nil).cfg
		c.change(&bad)
		_, err := New(bad)
		var input *amsbridge.InputError
		require.ErrorAs(t, err, &input, c.field)
		require.Equal(t, c.field, input.Field)
		require.Equal(t, "cartlink", input.Package)
	}
}
