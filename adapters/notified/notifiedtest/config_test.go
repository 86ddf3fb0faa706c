package notifiedtest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

func TestNewNamesTheBadField(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*notifiedtest.Config){
		"Accounts":                           func(c *notifiedtest.Config) { c.Accounts = nil },
		"Accounts[0].AuthCode":               func(c *notifiedtest.Config) { c.Accounts[0].AuthCode = "" },
		"Accounts[1].Credentials":            func(c *notifiedtest.Config) { c.Accounts[1].Credentials = strings.Repeat("x", 81) },
		"Accounts[0].Area":                   func(c *notifiedtest.Config) { c.Accounts[0].Area = "" },
		"Accounts[1]":                        func(c *notifiedtest.Config) { c.Accounts[1] = c.Accounts[0] },
		"ReAdd":                              func(c *notifiedtest.Config) { c.ReAdd = 9 },
		"Shows[0].Key":                       func(c *notifiedtest.Config) { c.Shows[0].Key = 0 },
		"Shows[1].Key":                       func(c *notifiedtest.Config) { c.Shows[1].Key = 1 },
		"Shows[1].Area":                      func(c *notifiedtest.Config) { c.Shows[1].Area = "nowhere" },
		"Shows[0].Packages[1].Name":          func(c *notifiedtest.Config) { c.Shows[0].Packages[1].Name = "full" },
		"Shows[0].Packages[0].AddOns[1].Key": func(c *notifiedtest.Config) { c.Shows[0].Packages[0].AddOns[1].Key = 11 },

		"Shows[1].DisplayItems":                   func(c *notifiedtest.Config) { c.Shows[1].DisplayItems = []string{""} },
		"Shows[0].Packages[1].Key":                func(c *notifiedtest.Config) { c.Shows[0].Packages[1].Key = 1001 },
		"Shows[0].Packages[0].Key":                func(c *notifiedtest.Config) { c.Shows[0].Packages[0].Key = -1 },
		"Shows[0].Packages[0].Capacity":           func(c *notifiedtest.Config) { c.Shows[0].Packages[0].Capacity = -1 },
		"ExtraParams[1]":                          func(c *notifiedtest.Config) { c.ExtraParams = []string{"Company", "a b"} },
		"RegistrationIDOutput":                    func(c *notifiedtest.Config) { c.RegistrationIDOutput = "<" },
		"UpsertDelay":                             func(c *notifiedtest.Config) { c.UpsertDelay = -1 },
		"Shows[0].Packages[0].AddOns[2].RefersTo": func(c *notifiedtest.Config) { c.Shows[0].Packages[0].AddOns[2].RefersTo = "full" },
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			cfg := config()
			change(&cfg)
			_, err := notifiedtest.New(cfg)
			var bad *amsbridge.InputError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, "notifiedtest: Config."+field+" "+bad.Problem, err.Error())
		})
	}
}

func TestNewNamesTheBadName(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Names.AddOnOutput = "<"
	_, err := notifiedtest.New(cfg)
	var bad *amsbridge.InputError
	require.ErrorAs(t, err, &bad)
	require.EqualError(t, err, "notifiedtest: Config.Names.AddOnOutput is not of the form [A-Za-z0-9_]+")
}

func TestPeople(t *testing.T) {
	t.Parallel()
	s := sandbox(t, config())
	require.ErrorIs(t, s.AddUser("nowhere", notifiedtest.User{ID: "u"}), notifiedtest.ErrNoArea)
	require.ErrorIs(t, s.AddUser("acme", notifiedtest.User{}), notifiedtest.ErrNoUser)
	require.ErrorIs(t, s.AddUser("acme", notifiedtest.User{ID: strings.Repeat("x", 256)}), notifiedtest.ErrNoUser)
	require.ErrorIs(t, s.Register("u-1", 9, "full"), notifiedtest.ErrNoShow)
	require.ErrorIs(t, s.Register("u-1", 1, "half"), notifiedtest.ErrNoPackage)
	require.ErrorIs(t, s.Register("u-2", 2, "full"), notifiedtest.ErrNoUser, "u-2 is of another area")
	require.Empty(t, s.AddOns("u-2", 1))

	get(s, add)
	require.NoError(t, s.Register("u-1", 1, "day"), "a move")
	require.Equal(t, []int64{11, 12}, s.AddOns("u-1", 1), "add-ons stay")
	require.Empty(t, s.AddOns("u-1", 2))
}
