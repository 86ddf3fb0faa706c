package elevatetest_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
)

func newSlowServer(t *testing.T, delay time.Duration) *elevatetest.Server {
	t.Helper()
	s, err := elevatetest.New(elevatetest.Config{
		Key: "key", Profile: elevate.GuessedProfile(), ReportProfile: elevate.GuessedReportProfile(), UpsertDelay: delay,
		Products: []elevatetest.Product{{RemoteProductID: "COURSE-1"}, {RemoteProductID: "COURSE-2"}},
	})
	require.NoError(t, err)
	return s
}

// together serves calls that all run at once. Call it in a synctest bubble, where time passes only when
// all of them wait.
func together(t *testing.T, s *elevatetest.Server, bodies ...string) {
	t.Helper()
	var wg sync.WaitGroup
	for _, body := range bodies {
		wg.Go(func() {
			if w := call(s, http.MethodPost, "application/json", body); w.Code != http.StatusOK {
				t.Error(w.Code, w.Body)
			}
		})
	}
	wg.Wait()
}

func TestTwoCallsForOneNewPersonMakeTwoPersons(t *testing.T) {
	t.Parallel()
	second := strings.Replace(strings.Replace(valid, "COURSE-1", "COURSE-2", 1), "Byron", "Lovelace", 1)
	for delay, persons := range map[time.Duration]int{0: 1, time.Second: 2} {
		synctest.Test(t, func(t *testing.T) {
			s := newSlowServer(t, delay)
			together(t, s, valid, second)
			require.Len(t, s.Persons(), persons)
			require.Equal(t, persons, s.PersonsOf("u-7"))
			require.Zero(t, s.PersonsOf("u-8"))
			require.Len(t, s.Registrations(), 2)
			require.Len(t, s.Users(), 1)

			call(s, http.MethodPost, "application/json", strings.Replace(valid, "Byron", "King", 1))
			require.Equal(t, persons, s.PersonsOf("u-7"), "a later call finds the person")
			require.Equal(t, "King", s.Persons()[0].User.LastName, "and updates the row made first")
			require.Equal(t, "King", s.Users()[0].LastName)
			if persons == 2 {
				require.NotEqual(t, "King", s.Persons()[1].User.LastName)
				require.Equal(t, 2, s.Persons()[1].Number)
				if at := s.Registrations(); len(at) == 3 {
					require.Equal(t, "COURSE-1", at[2].RemoteProductID, "made by the later call for the first row")
				}
				w := report(s, http.MethodPost, "application/json", strings.Replace(validReport, "2027", "1999", 1))
				require.Equal(t, 200, w.Code)
				require.Contains(t, w.Body.String(), s.Persons()[1].User.LastName, "reports list the second row as well")
			}
		})
	}
}

func TestTwoCallsForOneNewRegistrationMakeTwo(t *testing.T) {
	t.Parallel()
	mail := strings.Replace(valid, "false", "true", 1)
	for delay, twice := range map[time.Duration]bool{0: false, time.Second: true} {
		synctest.Test(t, func(t *testing.T) {
			s := newSlowServer(t, delay)
			together(t, s, strings.Replace(valid, "COURSE-1", "COURSE-2", 1)) // the person exists already
			began := time.Now()
			together(t, s, mail, mail)
			require.Equal(t, 2*delay, time.Since(began))
			require.Equal(t, 1, s.PersonsOf("u-7"))
			require.Len(t, s.Registrations(), map[bool]int{false: 2, true: 3}[twice])
			require.Len(t, s.Mails(), 2)
			effects := 0
			for _, c := range s.Journal() {
				if c.Effect {
					effects++
				}
			}
			require.Len(t, s.Registrations(), effects)
			ledger := s.Ledger()
			require.Len(t, ledger, 3)
			require.Equal(t, elevatetest.Effect{Seq: 1, Key: "k", UserID: "u-7", RemoteProductID: "COURSE-2", Gained: true}, ledger[0])
			for i, e := range ledger[1:] {
				require.Equal(t, elevatetest.Effect{
					Seq: e.Seq, Key: "k", UserID: "u-7", RemoteProductID: "COURSE-1", Gained: twice || i == 0, Mailed: true,
				}, e)
			}
			together(t, s, mail)
			require.Len(t, s.Registrations(), effects, "one that is there is not made again")
		})
	}
}

func TestOneAfterTheOtherStaysOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSlowServer(t, time.Second)
		together(t, s, valid)
		together(t, s, valid)
		require.Len(t, s.Persons(), 1)
		require.Len(t, s.Registrations(), 1)
	})
}

func TestResetDuringASlowUpsert(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSlowServer(t, time.Second)
		for range 2 {
			go call(s, http.MethodPost, "application/json", valid)
			time.Sleep(1500 * time.Millisecond) // in the bubble: between person and registration
			s.Reset()
		}
		time.Sleep(time.Minute)
		together(t, s, valid)
		require.Equal(t, 1, s.PersonsOf("u-7"))
		w := report(s, http.MethodPost, "application/json", strings.Replace(validReport, "2027", "1999", 1))
		require.Equal(t, 200, w.Code)
	})
}

func ExampleServer_PersonsOf() {
	s, err := elevatetest.New(elevatetest.Config{
		Key: "key", Profile: elevate.GuessedProfile(), Products: []elevatetest.Product{{RemoteProductID: "COURSE-1"}},
		UpsertDelay: 300 * time.Millisecond,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var wg sync.WaitGroup
	for range 2 { // a client that pushes one person's first two purchases at once
		wg.Go(func() { call(s, "POST", "application/json", valid) })
	}
	wg.Wait()
	fmt.Println(s.PersonsOf("u-7"))
	// Output: 2
}
