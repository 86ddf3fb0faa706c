package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/outbox"
)

// Pushes that went well, others that their own fate parked, and some that were refunded.
var (
	aCourse   = wanted{push: push{toElevate, "o-1", "l-0", "u-1", "course-0"}, fate: sound, owed: true, gives: 1}
	anEvent   = wanted{push: push{toNotified, "o-1", "l-1", "u-1", "7/1,2"}, fate: sound, owed: true, gives: 1, show: 7, addOns: []int64{1, 2}}
	aDraft    = wanted{push: push{toElevate, "o-2", "l-0", "u-2", "draft-0"}, fate: draft, owed: true, gives: 1}
	aNovelty  = wanted{push: push{toNowhere, "o-2", "l-0", "", ""}, fate: unmapped, owed: true, gives: 1}
	aStranger = wanted{push: push{toNotified, "o-3", "l-0", "u-3", "8/1"}, fate: stranger, owed: true, gives: 1, show: 8, addOns: []int64{1}}
	aPast     = wanted{push: push{toElevate, "o-4", "l-0", "u-4", "course-4"}, fate: sound, owed: true, gives: 1, backfill: true}
	aRefund   = wanted{push: push{toNotified, "o-5", "l-0", "u-1", "7/3"}, fate: sound, gives: 1, show: 7, addOns: []int64{3}}
	aByHand   = wanted{push: push{toElevate, "o-5", "l-1", "u-1", "course-5"}, fate: sound, gives: 1}
	aPass     = wanted{push: push{toNotified, "o-6", "l-0", "u-6", "9/1"}, fate: sound, owed: true, gives: 2, show: 9, addOns: []int64{1}, pkg: fullPackage}
	allWants  = []wanted{aCourse, anEvent, aDraft, aNovelty, aPast, aRefund, aByHand, aPass}
)

// monday is when the calls began.
var monday = time.Date(2026, time.November, 23, 0, 0, 0, 0, time.UTC)

// allWell is what is there when all went as it must.
func allWell() *observed {
	o := newObserved()
	o.persons["elevate u-1"], o.persons["notified u-1"] = 1, 1
	o.seats[seat{"u-1", 7, fullPackage}] = 1
	o.courses[course{"u-1", "course-0"}], o.mails[course{"u-1", "course-0"}] = 1, 1
	o.addOns[addOn{"u-1", 7, 1}], o.addOns[addOn{"u-1", 7, 2}] = 1, 1
	o.rows[aCourse.push] = []row{{key: "k-1", turn: 1, state: outbox.StateDelivered, reason: ""}}
	o.rows[anEvent.push] = []row{{key: "k-2", turn: 1, state: outbox.StateAlreadyDone, reason: ""}}
	o.rows[aDraft.push] = []row{{key: "k-3", turn: 1, state: outbox.StateParked, reason: ownReason[draft].ours + ownReason[draft].words}}
	o.rows[aNovelty.push] = []row{{key: "k-4", turn: 1, state: outbox.StateParked, reason: ownReason[unmapped].ours + ownReason[unmapped].words + "0)"}}
	o.rows[aPast.push] = []row{{key: "k-5", turn: 1, state: outbox.StateDelivered, reason: ""}}
	o.courses[course{"u-4", "course-4"}] = 1
	o.rows[aRefund.push] = []row{{key: "k-6", turn: 1, state: outbox.StateDelivered}, {key: "k-7", take: true, turn: 1, state: outbox.StateDelivered}}
	o.rows[aByHand.push] = []row{
		{key: "k-8", turn: 1, state: outbox.StateDelivered},
		{key: "k-9", take: true, turn: 1, state: outbox.StateParked, reason: "cancel the registration for product course-5 in Elevate by hand: no call for it is known"},
	}
	o.courses[course{"u-1", "course-5"}], o.mails[course{"u-1", "course-5"}] = 1, 1
	o.rows[aPass.push] = []row{
		{key: "k-10", turn: 1, state: outbox.StateDelivered},
		{key: "k-11", take: true, turn: 1, state: outbox.StateDelivered},
		{key: "k-12", turn: 2, state: outbox.StateDelivered},
	}
	o.seats[seat{"u-6", 9, fullPackage}], o.addOns[addOn{"u-6", 9, 1}] = 1, 1
	o.leftovers = []leftover{{"u-6", 9, row{key: "k-13", take: true, turn: 1, state: outbox.StateWithdrawn}}}
	o.gains[addOn{"u-1", 7, 1}], o.gains[addOn{"u-1", 7, 3}], o.gains[addOn{"u-6", 9, 1}] = 1, 1, 2
	o.calls["elevate k-1"] = []call{{fault: elevatetest.CutAfter}, {fault: elevatetest.None}}
	o.calls["notified k-2"] = []call{{fault: elevatetest.None}}
	o.calls["elevate k-3"] = []call{{fault: elevatetest.ServerError}, {fault: elevatetest.None}}
	return o
}

func counted(o *observed) Report {
	r := Report{Refunds: 1, Reversals: 1, Swaps: 1}
	r.count(allWants, o)
	return r
}

func TestCountAllWell(t *testing.T) {
	t.Parallel()
	r := counted(allWell())
	require.NoError(t, r.Check())
	require.Equal(t, "orders=0 pushes=6 delivered=4 parked=2 lost=0 doubled=0 refunds=1 reversals=1 swaps=1", r.String())
	require.Equal(t, map[string]int{string(draft): 1, string(unmapped): 1}, r.ByFate)
	require.Equal(t, map[string]int{"cut after": 1, "server error": 1}, r.Faults)
	require.Equal(t, []int{5, 2, 0, 0, 1, 1}, []int{r.Calls, r.Mails, r.Unmailed, r.Arrived, r.TakenBack, r.ByHand})
}

// Each way in which a run can have failed is seen, and named.
func TestCountFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	parked := func(o *observed, w wanted, reason string, calls ...call) {
		key := o.rows[w.push][0].key
		o.rows[w.push] = []row{{key: key, turn: 1, state: outbox.StateParked, reason: reason}}
		o.calls[w.platform+" "+key] = calls
	}
	for name, c := range map[string]struct {
		spoil  func(o *observed)
		figure func(r Report) int
		says   string
	}{
		"lost: never written": {func(o *observed) {
			delete(o.rows, aCourse.push)
			delete(o.courses, course{"u-1", "course-0"})
			delete(o.mails, course{"u-1", "course-0"})
		}, func(r Report) int { return r.Lost }, "pushes were lost"},
		"lost: settled and not at the platform": {func(o *observed) {
			delete(o.courses, course{"u-1", "course-0"})
			delete(o.mails, course{"u-1", "course-0"})
		}, func(r Report) int { return r.Lost }, "pushes were lost"},
		"lost: half of the add-ons": {func(o *observed) { delete(o.addOns, addOn{"u-1", 7, 2}) }, func(r Report) int { return r.Lost }, "pushes were lost"},
		"lost: still pending": {func(o *observed) {
			o.rows[anEvent.push] = []row{{key: "k-2", turn: 1, state: outbox.StatePending, reason: ""}}
			clear(o.addOns)
		}, func(r Report) int { return r.Lost }, "pushes were lost"},
		"arrived and still pending": {
			func(o *observed) {
				o.rows[anEvent.push] = []row{{key: "k-2", turn: 1, state: outbox.StatePending, reason: ""}}
			},
			func(r Report) int { return r.Unrecorded }, "delivered and parked are not all pushes",
		},
		"arrived and not in the outbox": {
			func(o *observed) { delete(o.rows, aCourse.push) },
			func(r Report) int { return r.Unrecorded }, "the outbox does not know",
		},
		"a person twice":             {func(o *observed) { o.persons["elevate u-1"]++ }, doubledOf("persons"), "these are there twice: persons"},
		"a person twice at Notified": {func(o *observed) { o.persons["notified u-1"]++ }, doubledOf("persons"), "these are there twice: persons"},
		"a registration twice":       {func(o *observed) { o.courses[course{"u-1", "course-0"}]++ }, doubledOf("registrations"), "these are there twice: registrations"},
		"a seat twice":               {func(o *observed) { o.seats[seat{"u-1", 7, fullPackage}]++ }, doubledOf("registrations"), "these are there twice: registrations"},
		"an add-on twice":            {func(o *observed) { o.gains[addOn{"u-1", 7, 3}]++ }, doubledOf("add-ons"), "these are there twice: add-ons"},
		"a mail twice":               {func(o *observed) { o.mails[course{"u-1", "course-0"}]++ }, doubledOf("mails"), "these are there twice: mails"},
		"refunded and still there":   {func(o *observed) { o.addOns[addOn{"u-1", 7, 3}] = 1 }, doubledOf("not owed"), "these are there twice: not owed"},
		"refunded and nobody asked": {func(o *observed) {
			o.rows[aByHand.push] = o.rows[aByHand.push][:1]
		}, doubledOf("not owed"), "these are there twice: not owed"},
		"refunded and still to be given": {func(o *observed) {
			o.rows[aRefund.push][0].state = outbox.StateParked
		}, misjudgedOf, "nobody owes it"},
		"taken back for no reason of its own": {func(o *observed) {
			o.rows[aByHand.push][1].reason = "the platform is down"
		}, misjudgedOf, "not its own"},
		"staff are asked for what is owed": {func(o *observed) {
			o.leftovers[0].state, o.leftovers[0].reason = outbox.StateParked, "the registration for show 9 stays in Notified: end it"
		}, misjudgedOf, "staff are asked to end it"},
		"lost: taken after it was given again": {func(o *observed) {
			delete(o.addOns, addOn{"u-6", 9, 1})
		}, func(r Report) int { return r.Lost }, "pushes were lost"},
		"a take that waits though it is owed": {
			func(o *observed) {
				o.rows[aCourse.push] = append(o.rows[aCourse.push], row{key: "k-9", take: true, turn: 1, state: outbox.StateParked})
			},
			misjudgedOf, "an earlier turn of it still waits",
		},
		"a registration that nobody bought": {
			func(o *observed) { o.courses[course{"u-1", "course-9"}] = 1 },
			func(r Report) int { return r.Phantom }, "nobody ordered",
		},
		"an add-on that nobody bought": {
			func(o *observed) { o.addOns[addOn{"u-1", 7, 9}] = 1 },
			func(r Report) int { return r.Phantom }, "nobody ordered",
		},
		"a row of a rolled back order": {func(o *observed) {
			o.rows[push{toElevate, "o-9", "l-0", "u-1", "course-0"}] = []row{{key: "k-9", turn: 1, state: outbox.StateParked, reason: ""}}
		}, func(r Report) int { return r.Phantom }, "nobody ordered"},
		"a mail without a registration": {
			func(o *observed) { o.mails[course{"u-2", "draft-0"}] = 1 },
			func(r Report) int { return r.Phantom }, "nobody ordered",
		},
		"a mail about an order of the past": {func(o *observed) {
			o.courses[course{"u-4", "course-4"}], o.mails[course{"u-4", "course-4"}] = 1, 1
		}, func(r Report) int { return r.Phantom }, "nobody ordered"},
		"delivered in spite of its fate": {func(o *observed) {
			o.rows[aDraft.push] = []row{{key: "k-3", turn: 1, state: outbox.StateDelivered, reason: ""}}
			o.courses[course{"u-2", "draft-0"}] = 1
		}, misjudgedOf, "should have been parked"},
		"delivered after a refusal": {func(o *observed) {
			o.rows[aRefund.push] = []row{{key: "k-6", turn: 1, state: outbox.StateDelivered}, {key: "k-7", take: true, turn: 1, state: outbox.StateDelivered}}
			o.rows[aByHand.push] = []row{
				{key: "k-8", turn: 1, state: outbox.StateDelivered},
				{key: "k-9", take: true, turn: 1, state: outbox.StateParked, reason: "cancel the registration for product course-5 in Elevate by hand: no call for it is known"},
			}
			o.courses[course{"u-1", "course-5"}], o.mails[course{"u-1", "course-5"}] = 1, 1
			o.rows[aPass.push] = []row{
				{key: "k-10", turn: 1, state: outbox.StateDelivered},
				{key: "k-11", take: true, turn: 1, state: outbox.StateDelivered},
				{key: "k-12", turn: 2, state: outbox.StateDelivered},
			}
			o.seats[seat{"u-6", 9, fullPackage}], o.addOns[addOn{"u-6", 9, 1}] = 1, 1
			o.leftovers = []leftover{{"u-6", 9, row{key: "k-13", take: true, turn: 1, state: outbox.StateWithdrawn}}}
			o.gains[addOn{"u-1", 7, 1}], o.gains[addOn{"u-1", 7, 3}], o.gains[addOn{"u-6", 9, 1}] = 1, 1, 2
			o.calls["elevate k-1"] = []call{{fault: elevatetest.Reply}, {fault: elevatetest.None}}
		}, misjudgedOf, "should have been parked"},
		"parked with another's reason": {
			func(o *observed) { parked(o, aDraft, ownReason[unlisted].ours+ownReason[unlisted].words, call{}) },
			misjudgedOf, "not its own",
		},
		"parked for a fault that it did not meet last": {func(o *observed) {
			parked(o, anEvent, refused, call{fault: elevatetest.Reply}, call{fault: elevatetest.ServerError})
		}, misjudgedOf, "not its own"},
		"parked without a call": {
			func(o *observed) { parked(o, anEvent, refused) },
			misjudgedOf, "not its own",
		},
		"parked after a fault that is tried again": {func(o *observed) {
			parked(o, anEvent, "the platform is not available", call{fault: elevatetest.ServerError})
		}, misjudgedOf, "not its own"},
		"not ready for less than 72 hours": {func(o *observed) {
			parked(o, anEvent, ownReason[stranger].ours+ownReason[stranger].words, call{at: monday}, call{at: monday.Add(72*time.Hour - time.Second)})
		}, misjudgedOf, "not its own"},
		"gave up early": {func(o *observed) {
			parked(o, anEvent, "gave up after 3 attempts, the last: unavailable (500): the platform is not available", call{fault: elevatetest.ServerError})
		}, misjudgedOf, "not its own"},
		"gave up for another fault": {func(o *observed) {
			parked(o, anEvent, "gave up after 250 attempts, the last: unavailable (503): the platform is not available", call{fault: elevatetest.ServerError})
		}, misjudgedOf, "not its own"},
		"task and sent": {func(o *observed) { o.calls["unmapped k-4"] = []call{{}} }, misjudgedOf, "not its own"},
		"a violation":   {func(o *observed) { o.violations = []string{"no key"} }, func(r Report) int { return r.Violations }, "1 violations"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := allWell()
			c.spoil(o)
			r := counted(o)
			require.Positive(t, c.figure(r))
			require.ErrorContains(t, r.Check(), c.says)
		})
	}
}

func doubledOf(what string) func(Report) int { return func(r Report) int { return r.Doubled[what] } }

func misjudgedOf(r Report) int { return len(r.Misjudged) }

// Reasons that follow from a fault are right ones, whatever the push's fate.
func TestExplained(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		w      wanted
		reason string
		calls  []call
	}{
		"a refusal":                        {anEvent, refused, []call{{fault: elevatetest.CutAfter}, {fault: elevatetest.Reply}}},
		"a refusal, the fate apart":        {aDraft, refused, []call{{fault: elevatetest.Reply}}},
		"a refusal of the second question": {anEvent, "a person must look: Notified says that it added 1 add-ons where 2 were asked for, and the question which are there came to: rejected (409): " + refused, []call{{fault: elevatetest.Reply}}},
		"half a refusal":                   {aDraft, refused, []call{{fault: elevatetest.Truncate}}},
		"a slow refusal":                   {aDraft, ownReason[draft].ours + ownReason[draft].words, []call{{fault: elevatetest.Slow}}},
		"72 hours":                         {aStranger, ownReason[stranger].ours + ownReason[stranger].words, []call{{at: monday}, {at: monday.Add(72 * time.Hour)}}},
		"72 hours of somebody late":        {anEvent, ownReason[stranger].ours + ownReason[stranger].words, []call{{at: monday}, {at: monday.Add(73 * time.Hour)}}},
		"250 attempts":                     {anEvent, "gave up after 250 attempts, the last: unknown: the request was sent and no whole answer came: EOF", []call{{fault: elevatetest.CutBefore}}},
		"250 attempts, a status":           {anEvent, "gave up after 251 attempts, the last: unauthorized (403): the platform forbids it", []call{{fault: elevatetest.Forbidden}}},
	} {
		require.True(t, explained(c.w, c.reason, c.calls, 0), name)
	}
}

// An answer for which nobody waited any more decides nothing.
func TestDeliveriesThatTimedOut(t *testing.T) {
	t.Parallel()
	refusal := []call{{fault: elevatetest.Slow}, {fault: elevatetest.Reply}, {}}
	require.True(t, mustPark(aCourse, refusal, 0))
	require.True(t, mustPark(aCourse, refusal, 1), "the slow one explains it")
	require.False(t, mustPark(aCourse, refusal, 2))
	require.True(t, mustPark(aDraft, refusal, 2), "by its own fate")
	const reason = "gave up after 250 attempts, the last: unknown: the request was sent and no whole answer came"
	require.False(t, explained(aStranger, reason, []call{{}}, 0))
	require.True(t, explained(aStranger, reason, []call{{}}, 1))
}

func TestCheckWantsAProof(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, Report{}.Check(), "nothing was delivered")
	require.ErrorContains(t, Report{Pushes: 1, Delivered: 1}.Check(), "no call met a fault")
}

// A take of which a part is owed by another order says so before its reason.
func TestTakeOfAPartIsExplained(t *testing.T) {
	t.Parallel()
	o := allWell()
	o.calls["notified k-7"] = []call{{fault: elevatetest.CutBefore}, {fault: elevatetest.None}}
	unknown := "a person must look: Notified does not know the person, so whether there is anything to remove cannot be told: User Not Found!"
	for reason, want := range map[string]bool{
		unknown: true,
		"of it, show 7: add-ons 3 is to be taken: " + unknown:     true,
		"of it, show 7: add-ons 3 is to be taken: another reason": false,
	} {
		m := row{key: "k-7", take: true, turn: 1, state: outbox.StateParked, reason: reason}
		require.Equal(t, want, takeExplained(aRefund, m, o), reason)
	}
}
