package notifiedtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

func TestAPersonAndARegistrationComeLater(t *testing.T) {
	t.Parallel()
	s := sandboxWith(t, nil)
	require.NoError(t, s.AddUserLater("acme", notifiedtest.User{ID: "u-9", Email: "ann@members.example"}, 2))
	require.NoError(t, s.RegisterLater("u-9", 3, "full", 4))
	m := func() string { return about(s, "u-9", "M", "&ShowKey=3&AddOnsChangeList=311")[0] }
	require.Len(t, s.Persons("acme"), 2)
	require.Contains(t, m(), "Status=71")
	s.Misbehave(notifiedtest.Fault{Kind: notifiedtest.ServerError})
	get(s, add)
	require.Equal(t, []string{"K&Status=72&Message=User+Not+Registered%21"}, byEmail(s, "ann%40members.example", "K", "&ShowKey=3"), "the second call about them, by whatever")
	require.Len(t, s.Persons("acme"), 3)
	require.Contains(t, m(), "Status=72")
	require.Len(t, s.Registrations("acme"), 1)
	require.Contains(t, m(), "Status=0", "the fourth")
	require.Equal(t, []notifiedtest.Registration{{
		ID: 3, Area: "acme", Person: notifiedtest.Person{Key: 4, User: notifiedtest.User{ID: "u-9", Email: "ann@members.example"}},
		Show: 3, Package: "full", PackageKey: 31, AddOns: []int64{311},
	}}, s.Registrations("acme")[1:])
}

// TestLaterIsCountedByShowAndByCall: another show's calls do not count, and a chain counts once.
func TestLaterIsCountedByShowAndByCall(t *testing.T) {
	t.Parallel()
	s := sandboxWith(t, nil)
	require.NoError(t, s.RegisterLater("u-2", 3, "full", 2))
	about(s, "u-2", "G", "")
	about(s, "u-2", "K", "&ShowKey=1")
	require.Contains(t, about(s, "u-2", "GGGK", "&ShowKey=3")[3], "Status=72")
	require.Contains(t, about(s, "u-2", "K", "&ShowKey=3")[0], "Status=0")
}

// TestAnUpsertBringsWhoWasToComeLater: it does not duplicate the person.
func TestAnUpsertBringsWhoWasToComeLater(t *testing.T) {
	t.Parallel()
	s := sandboxWith(t, nil)
	require.NoError(t, s.AddUserLater("acme", notifiedtest.User{ID: "u-9"}, 9))
	require.NoError(t, s.RegisterLater("u-9", 3, "full", 9))
	about(s, "u-9", "CR", ann+"&ShowKey=3&ShowPackageKey=32")
	call := s.Journal()[0]
	require.Equal(t, []any{"0", 1, true}, []any{call.Status, call.Persons, call.Registered})
	require.Len(t, s.Persons("acme"), 3)
	require.Equal(t, "Ann", s.Persons("acme")[2].FirstName)
	require.Equal(t, "day", s.Registrations("acme")[1].Package)
	persons, registrations := s.Doubled()
	require.Zero(t, persons+registrations)
}

func TestWhoAndWhatCannotComeLater(t *testing.T) {
	t.Parallel()
	s := sandboxWith(t, nil)
	require.ErrorIs(t, s.AddUserLater("nowhere", notifiedtest.User{ID: "u"}, 1), notifiedtest.ErrNoArea)
	require.ErrorIs(t, s.AddUserLater("acme", notifiedtest.User{}, 1), notifiedtest.ErrNoUser)
	require.ErrorIs(t, s.RegisterLater("u-1", 9, "full", 1), notifiedtest.ErrNoShow)
	require.ErrorIs(t, s.RegisterLater("u-1", 3, "none", 1), notifiedtest.ErrNoPackage)
	require.ErrorIs(t, s.RegisterLater("u-9", 3, "full", 1), notifiedtest.ErrNoUser)
}
