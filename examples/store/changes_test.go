package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// inLobby signs a member in at the shop, and from there at Notified.
func inLobby(t *testing.T, at town, member string) *browser {
	t.Helper()
	b := signIn(t, at.Shop, member)
	require.Contains(t, b.get("/amsbridge/hand-off?to=notified&product=event-gala").body, `data-test="member-id">`+member)
	return b
}

// booked tells whether Notified has the gala for who is in its lobby.
func (b *browser) booked(at town) bool {
	b.t.Helper()
	lobby := b.get(at.Notified + "/").body
	require.Contains(b.t, lobby, "Gala Dinner")
	return strings.Contains(lobby, "The door is open for you.")
}

// untilBooked waits until Notified has it so.
func (b *browser) untilBooked(at town, want bool) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return b.booked(at) == want }, waitAtMost, waitEach, "booked is not %v", want)
}

// Three places at once, of which one is named later. Then staff replace a
// learner, refund the line, and undo the refund.
func TestAnOrderChanges(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		at := open(t, dsn)
		maria, james := inLobby(t, at, "U-1001"), inLobby(t, at, "U-1002")
		aiko, sam := inLobby(t, at, "U-1003"), signIn(t, at.Shop, "U-2001")
		maria.post("/cart", "product", "event-gala", "quantity", "3")
		placed := maria.post("/checkout", "learner-event-gala-1", "U-1001")
		require.Contains(t, placed.body, "1 queued, 1 needs staff")
		require.Contains(t, placed.body, "Who takes place 2 of 3?")
		id := strings.TrimPrefix(placed.path, "/orders/")
		require.Contains(t, sam.get("/staff/attention").body, "2 of 3 seats have no person")
		maria.untilBooked(at, true)

		name := func(b *browser, seat, learner string) reply {
			return b.post("/orders", "order", id, "line", "1", "seat", seat, "learner", learner)
		}
		require.Equal(t, http.StatusNotFound, name(james, "1", "U-1002").status, "it is not his order")
		require.Contains(t, name(maria, "1", "").body, "Please choose who takes part.")
		require.Contains(t, name(maria, "7", "U-1002").body, "There is no such place.")
		require.Contains(t, name(maria, "1", "U-1001").body, "Maria Keller has “Gala Dinner” already")
		require.Contains(t, name(maria, "1", "U-1002").body, "James O’Neill has the place now. What amsbridge did: 1 queued, 1 unchanged, 1 needs staff.")
		require.Contains(t, name(maria, "1", "U-1003").body, "Somebody was quicker", "a place that was named is staff's to change")
		james.untilBooked(at, true)
		require.Contains(t, james.get("/learning").body, "Maria Keller bought it for you")

		change := func(form ...string) reply { return sam.post("/staff/orders", append(form, "order", id)...) }
		require.Equal(t, http.StatusForbidden, maria.post("/staff/orders", "order", id, "do", "refund", "line", "1").status)
		require.Equal(t, http.StatusBadRequest, change("do", "forget").status)
		require.Equal(t, http.StatusNotFound, sam.post("/staff/orders", "do", "refund", "order", "W-NONE", "line", "1").status)
		require.Equal(t, http.StatusNotFound, sam.get("/staff/orders/W-NONE").status)
		require.Contains(t, change("do", "refund", "line", "9").body, "Somebody was quicker", "there is no such line")
		require.Contains(t, change("do", "hand", "line", "1", "seat", "1", "from", "U-1002", "learner", "U-1003").body, "Another place of “Gala Dinner” is open")
		require.Contains(t, change("do", "hand", "line", "1", "seat", "2", "from", "", "learner", "U-2001").body, "Sam Rivera has the place now.")
		require.Contains(t, sam.get("/staff/attention").body, "Nothing needs you.")
		require.Contains(t, change("do", "hand", "line", "1", "seat", "1", "from", "U-1001", "learner", "U-1003").body, "Somebody was quicker")
		require.False(t, aiko.booked(at))
		swapped := change("do", "hand", "line", "1", "seat", "1", "from", "U-1002", "learner", "U-1003").body
		require.Contains(t, swapped, "Aiko Tanaka has the place now. What amsbridge did: 1 taking back, 1 queued, 2 unchanged.")
		aiko.untilBooked(at, true)
		james.untilBooked(at, false)
		require.Contains(t, james.get("/learning").body, "Nothing yet, James.")
		require.Contains(t, aiko.get("/learning").body, "Maria Keller bought it for you")

		refunded := change("do", "refund", "line", "1").body
		require.Contains(t, refunded, "The line is refunded. What amsbridge did: 1 refunded, 3 taking back.")
		require.Contains(t, change("do", "refund", "line", "1").body, "Somebody was quicker", "it is refunded once")
		maria.untilBooked(at, false)
		aiko.untilBooked(at, false)
		require.Contains(t, maria.get(placed.path).body, "Refunded.")
		require.Contains(t, maria.get("/learning").body, "Nothing yet, Maria.")

		refund := match(t, `name="refund" value="([^"]+)"`, refunded)
		require.Contains(t, change("do", "undo", "refund", refund).body, "The refund is undone. What amsbridge did: 3 queued.")
		require.Contains(t, change("do", "undo", "refund", refund).body, "Somebody was quicker")
		maria.untilBooked(at, true)
		aiko.untilBooked(at, true)
		require.False(t, james.booked(at))
	})
}

// Elevate has no call that takes a registration back, so staff do it and say so.
func TestStaffMarkDoneWhatTheyDid(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		at := open(t, dsn)
		maria, sam := signIn(t, at.Shop, "U-1001", "course-ethics", "course-telehealth"), signIn(t, at.Shop, "U-2001")
		id := strings.TrimPrefix(maria.buy().path, "/orders/")
		maria.until("/learning", ">delivered<")
		sam.post("/staff/orders", "do", "refund", "order", id, "line", "1")
		page := sam.until("/staff/attention", "by hand")
		require.Contains(t, page, "course-ethics")
		require.Contains(t, page, "Maria Keller (U-1001)")
		message, task := match(t, `name="message" value="([1-9]\d*)"`, page), match(t, `name="task" value="([^"]+)"`, page)

		require.Equal(t, http.StatusForbidden, maria.post("/staff/attention", "message", message, "said", "cancelled").status)
		require.Equal(t, http.StatusBadRequest, sam.post("/staff/attention", "message", message, "said", "").status)
		require.Contains(t, sam.post("/staff/attention", "message", "999999", "said", "cancelled").body, "Somebody was quicker")
		require.Contains(t, sam.post("/staff/attention", "message", message, "said", "cancelled").body, "It is marked as done.")
		require.Contains(t, sam.post("/staff/attention", "message", message, "said", "cancelled").body, "Somebody was quicker")
		require.Contains(t, sam.post("/staff/attention", "order", id, "task", task, "said", "told them").body, "It is marked as done.")
		require.Contains(t, sam.get("/staff/attention").body, "Nothing needs you.")
	})
}
