package notifiedtest_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

const ann = "&FirstName=Ann&LastName=Lee&EMailAddress=ann%40members.example"

// TestUpsertsUnderWayMakeTwo: two calls whose look-ups run at the same moment find nobody, so each
// makes a person and a registration.
func TestUpsertsUnderWayMakeTwo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opCodes                 string
		delay                   time.Duration
		apart                   time.Duration
		persons, again          int // duplicates
		personCount, seatsCount int
	}{
		"C, under way together":  {opCodes: "C", delay: time.Second, persons: 1, personCount: 2},
		"C, one after the other": {opCodes: "C", delay: time.Second, apart: 2 * time.Second, personCount: 1},
		"C, atomic":              {opCodes: "C", personCount: 1},
		"I, under way together":  {opCodes: "I", delay: time.Second, persons: 1, personCount: 2},
		"Cr, under way together": {opCodes: "Cr", delay: time.Second, persons: 1, again: 1, personCount: 2, seatsCount: 2},
		"CR, one after another":  {opCodes: "CR", delay: time.Second, apart: 3 * time.Second, personCount: 1, seatsCount: 1},
		"Cr, atomic":             {opCodes: "Cr", personCount: 1, seatsCount: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := sandboxWith(t, func(cfg *notifiedtest.Config) { cfg.UpsertDelay = c.delay })
				params := ann
				if len(c.opCodes) > 1 {
					params += "&ShowKey=3&ShowPackageKey=31"
				}
				var wg sync.WaitGroup
				for i := range 2 {
					wg.Go(func() {
						time.Sleep(time.Duration(i) * c.apart) // passes at once, in the bubble
						about(s, "u-9", c.opCodes, params)
					})
				}
				wg.Wait()
				persons, again := s.Doubled()
				require.Equal(t, []int{c.persons, c.again}, []int{persons, again})
				require.Len(t, s.Persons("acme")[2:], c.personCount)
				require.Len(t, s.Registrations("acme")[1:], c.seatsCount)
				created := 0
				for _, call := range s.Journal() {
					created += call.Persons
				}
				require.Equal(t, c.personCount, created)
			})
		})
	}
}

func TestPersonsByEmailAreCountedAsDoubledToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sandboxWith(t, func(cfg *notifiedtest.Config) { cfg.UpsertDelay = time.Second })
		var wg sync.WaitGroup
		for _, email := range []string{"ann%40members.example", "Ann%40members.example", "bob%40members.example"} {
			wg.Go(func() { byEmail(s, email, "C", "&FirstName=A") })
		}
		wg.Wait()
		persons, registrations := s.Doubled()
		require.Equal(t, []int{1, 0}, []int{persons, registrations})
	})
}

// TestOtherCallsGoOnDuringAnUpsert: the lock is not held during the wait.
func TestOtherCallsGoOnDuringAnUpsert(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sandboxWith(t, func(cfg *notifiedtest.Config) { cfg.UpsertDelay = time.Hour })
		go about(s, "u-9", "C", ann)
		synctest.Wait()
		began := time.Now()
		require.Equal(t, []string{"G&Status=71&Message=User+Not+Found%21"}, about(s, "u-9", "G", ""))
		require.Zero(t, time.Since(began))
		time.Sleep(2 * time.Hour) // passes at once, in the bubble
		require.Equal(t, []string{"G&Status=0&Message=OK&UserKey=4"}, about(s, "u-9", "G", ""))
	})
}

func TestUpsertWritesWhatIsGiven(t *testing.T) {
	t.Parallel()
	s := sandboxWith(t, nil)
	person := func() notifiedtest.User { return s.Persons("acme")[2].User }
	byEmail(s, "ann%40members.example", "C", "&FirstName=Ann")
	require.Equal(t, notifiedtest.User{Email: "ann@members.example", FirstName: "Ann"}, person())
	byEmail(s, "ANN%40members.example", "U", "&LastName=Lee&FirstName=&ExternalUserID=u-9")
	require.Equal(t, notifiedtest.User{ID: "u-9", Email: "ANN@members.example", FirstName: "Ann", LastName: "Lee"}, person())
	about(s, "u-9", "U", "&EMailAddress=lee%40members.example")
	require.Equal(t, "lee@members.example", person().Email)
	require.Equal(t, []string{"G&Status=71&Message=User+Not+Found%21"}, byEmail(s, "ann%40members.example", "G", ""), "the old address finds nobody")
	require.Equal(t, []string{"G&Status=0&Message=OK&UserKey=4"}, byEmail(s, "Lee%40members.example", "G", ""))
	require.Equal(t, "u-9", s.Journal()[4].User)

	about(s, "u-9", "U", "&EMailAddress=lee%40members.example")
	require.False(t, s.Journal()[5].Effect, "nothing changed")
	require.Equal(t, []string{"C&Status=90006&Message=ExternalUserID+Already+Taken%21"}, byEmail(s, "new%40members.example", "C", "&ExternalUserID=u-9"))
	require.Equal(t, []string{"C&Status=90001&Message=Bad+Parameter%21+EMailAddress+is+missing"}, byEmail(s, "", "C", "&ExternalUserID=u-9"))
	require.Len(t, s.Persons("acme"), 3)
}

// TestTheEldestIsFound: the last change makes no difference.
func TestTheEldestIsFound(t *testing.T) {
	t.Parallel()
	s := sandboxWith(t, nil)
	require.NoError(t, s.AddUser("acme", notifiedtest.User{ID: "u-9", Email: "one@members.example"}))
	for range 2 {
		require.Equal(t, []string{"U&Status=0&Message=OK", "G&Status=0&Message=OK&UserKey=1"}, byEmail(s, "one%40members.example", "UG", "&FirstName=Ann"))
	}
	synctest.Test(t, func(t *testing.T) {
		s := sandboxWith(t, func(cfg *notifiedtest.Config) { cfg.UpsertDelay = time.Second })
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { about(s, "u-9", "C", ann) })
		}
		wg.Wait()
		for range 2 {
			require.Equal(t, []string{"U&Status=0&Message=OK", "G&Status=0&Message=OK&UserKey=4"}, about(s, "u-9", "UG", "&FirstName=Bo"))
		}
	})
}

func TestDeleteTakesRegistrationsAlong(t *testing.T) {
	t.Parallel()
	s := sandboxWith(t, nil)
	require.Len(t, s.Registrations("acme"), 1)
	about(s, "u-1", "D", "")
	require.Empty(t, s.Registrations("acme"))
	require.Empty(t, s.AddOns("u-1", 1))
	require.Equal(t, []string{"C&Status=0&Message=OK", "K&Status=72&Message=User+Not+Registered%21"}, about(s, "u-1", "CK", "&ShowKey=1"), "a new person of that ID")
	require.Len(t, s.Registrations("zenith"), 1, "another area's person of that ID")
}

// TestAPersonIsDeletedDuringAnUpsert: nothing is written for a deleted person.
func TestAPersonIsDeletedDuringAnUpsert(t *testing.T) {
	t.Parallel()
	for opCode, params := range map[string]string{"C": "&FirstName=Ann", "R": "&ShowKey=3&ShowPackageKey=31", "r": "&ShowKey=3&ShowPackageKey=31"} {
		synctest.Test(t, func(t *testing.T) {
			s := sandboxWith(t, func(cfg *notifiedtest.Config) { cfg.UpsertDelay = time.Second })
			go about(s, "u-2", opCode, params)
			synctest.Wait()
			about(s, "u-2", "D", "")
			time.Sleep(time.Minute) // passes at once, in the bubble
			require.Equal(t, "71", s.Journal()[0].Status)
			require.Len(t, s.Persons("acme"), 1)
			require.Len(t, s.Registrations("acme"), 1)
			require.Equal(t, []string{"G&Status=71&Message=User+Not+Found%21"}, about(s, "u-2", "G", ""))
		})
	}
}

func TestResetDuringAnUpsert(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sandboxWith(t, func(cfg *notifiedtest.Config) { cfg.UpsertDelay = time.Second })
		go about(s, "u-2", "R", "&ShowKey=3&ShowPackageKey=31")
		synctest.Wait()
		s.Reset()
		time.Sleep(time.Minute) // passes at once, in the bubble
		require.Empty(t, s.Registrations("acme"))
	})
}
