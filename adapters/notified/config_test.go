package notified_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/notified"
)

func TestNewNamesTheBadField(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*notified.Config)
		field  string
	}{
		"fine":                    {func(*notified.Config) {}, ""},
		"APAC":                    {func(c *notified.Config) { c.BaseURL = notified.BaseURLAPAC }, ""},
		"80 bytes":                {func(c *notified.Config) { c.AuthCode = strings.Repeat("x", 80) }, ""},
		"no auth code":            {func(c *notified.Config) { c.AuthCode = "" }, "AuthCode"},
		"long auth code":          {func(c *notified.Config) { c.AuthCode = strings.Repeat("x", 81) }, "AuthCode"},
		"long credentials":        {func(c *notified.Config) { c.Credentials = strings.Repeat("é", 41) }, "Credentials"},
		"padded credentials":      {func(c *notified.Config) { c.Credentials = "secret " }, "Credentials"},
		"credentials in 2 lines":  {func(c *notified.Config) { c.Credentials = "sec\nret" }, "Credentials"},
		"plain http":              {func(c *notified.Config) { c.BaseURL = "http://api.onlinexperiences.com/scripts/Server.nxp" }, "BaseURL"},
		"a query":                 {func(c *notified.Config) { c.BaseURL = notified.BaseURL + "?x=1" }, "BaseURL"},
		"a fragment":              {func(c *notified.Config) { c.BaseURL = notified.BaseURL + "#x" }, "BaseURL"},
		"a password":              {func(c *notified.Config) { c.BaseURL = "https://u:secret@api.onlinexperiences.com/x" }, "BaseURL"},
		"plain http, not to here": {func(c *notified.Config) { c.BaseURL, c.AllowLoopbackHTTP = "http://example.com/x", true }, "BaseURL"},
		"H":                       {func(c *notified.Config) { c.OutputFormat = notified.FormatPairs }, ""},
		"T":                       {func(c *notified.Config) { c.OutputFormat = notified.FormatText }, ""},
		"format in lower case":    {func(c *notified.Config) { c.OutputFormat = "x" }, "OutputFormat"},
		"names":                   {func(c *notified.Config) { c.Names.AddOnOutput = "Item_2" }, ""},
		"bad name":                {func(c *notified.Config) { c.Names.ShowPackageParam = "Package&D" }, "Names.ShowPackageParam"},
		"GET with a form":         {func(c *notified.Config) { c.UseGET, c.LASCmdInForm = true, true }, "LASCmdInForm"},
		"concurrency":             {func(c *notified.Config) { c.Concurrency = -1 }, "Concurrency"},
		"reply bound":             {func(c *notified.Config) { c.MaxBody = 1 }, "MaxBody"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := notified.Config{AuthCode: "secret", Credentials: "secret"}
			c.change(&cfg)
			_, err := notified.New(cfg)
			if c.field == "" {
				require.NoError(t, err)
				return
			}
			var bad *amsbridge.InputError
			require.True(t, errors.As(err, &bad), "%v", err)
			require.Equal(t, c.field, strings.TrimPrefix(bad.Field, "Config."))
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

// The vendor's text names the APAC data centre by its host alone.
func TestABaseURLWithoutAPathGetsTheVendors(t *testing.T) {
	t.Parallel()
	_, err := notified.New(notified.Config{AuthCode: "secret", Credentials: "secret", BaseURL: "https://api.apac.onlinexperiences.com"})
	require.NoError(t, err)
	e := newEnv(t, nil)
	for _, end := range []string{"", "/"} {
		client := newClient(t, notified.Config{BaseURL: strings.TrimSuffix(e.baseURL, "/scripts/Server.nxp") + end})
		_, err := client.Give(t.Context(), push("k"+end, "u-1", show, 9985))
		require.NoError(t, err)
	}
}

func TestPrintingShowsNoSecret(t *testing.T) {
	t.Parallel()
	cfg := notified.Config{AuthCode: authCode, Credentials: credentials}
	client, err := notified.New(cfg)
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%t", "%e", "%x"} {
		text := fmt.Sprintf(verb+verb+verb+verb, cfg, client, *client, []any{&cfg, client})
		require.NotContains(t, text, "planted")
	}
}
