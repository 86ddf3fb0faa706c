package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFromSignInToMyLearning(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		at := open(t, dsn)
		maria := signIn(t, at.Shop, "U-1001", "course-infection", "track-leadership", "book-handbook", "course-infection")
		cart := maria.get("/cart").body
		require.Equal(t, 1, strings.Count(cart, `data-product="course-infection"`), "a quantity is set, not added to")
		require.Contains(t, cart, "$383.00")

		placed := maria.buy()
		require.Contains(t, placed.path, "/orders/W-")
		require.Contains(t, placed.body, "In the transaction that stored the order: 3 queued, 1 shop only.")
		require.Contains(t, placed.body, "We send it by post")
		require.NotContains(t, placed.body, "needs attention")
		require.Equal(t, placed.path, maria.post("/checkout").path, "a second click shows the same order")

		page := maria.untilCount("/learning", ">delivered<", 3)
		require.NotContains(t, page, "Member Handbook", "a book is no learning")
		require.NotContains(t, page, "Look again", "nothing is on its way")
		require.Contains(t, maria.get("/orders").body, placed.path)
		mail := maria.untilCount("/mail", `data-test="mail"`, 3)
		require.Contains(t, mail, "Leadership Track: ready for you")
		require.Contains(t, mail, "product=track-leadership&amp;return_to=%2Fproducts%2Ftrack-leadership&amp;to=elevate", "it leads to the page that Elevate named")

		james := signIn(t, at.Shop, "U-1002")
		require.Equal(t, http.StatusNotFound, james.get(placed.path).status, "another member's order")
		for _, path := range []string{"/learning", "/mail", "/orders"} {
			require.NotContains(t, james.get(path).body, "Infection", path)
		}
		require.Contains(t, james.get(at.Elevate+"/sandbox").body, "course-infection")
		require.Contains(t, james.get(at.Notified+"/sandbox").body, "10400, 10401")
	})
}

func TestBuyerIsNotTheLearner(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		at := open(t, dsn)
		maria := signIn(t, at.Shop, "U-1001")
		maria.post("/cart", "product", "course-ethics", "quantity", "2")
		placed := maria.buy("learner-course-ethics-1", "U-1002", "learner-course-ethics-2", "U-1003")
		require.Contains(t, placed.body, "2 queued")
		require.Contains(t, placed.body, "For James O’Neill")
		require.NotContains(t, placed.body, "Walk in", "it is not hers")
		require.Contains(t, maria.get("/learning").body, "Nothing yet")

		for _, learner := range []string{"U-1002", "U-1003"} {
			b := signIn(t, at.Shop, learner)
			page := b.until("/learning", ">delivered<")
			require.Contains(t, page, "Maria Keller bought it for you")
			require.NotContains(t, page, "/orders/W-", "the order is hers")
			in := b.walk(b.get(match(t, `href="([^"]*)" data-test="walk-in"`, page)))
			require.Equal(t, "/products/course-ethics", in.path)
			require.Contains(t, in.body, `data-test="member-id">`+learner)
			require.Contains(t, in.body, "You are registered")
		}
		require.Contains(t, maria.untilCount(placed.path, ">delivered<", 2), "Aiko Tanaka")
	})
}

func TestCheckoutNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	at := open(t, "")
	b := signIn(t, at.Shop, "U-1001")
	b.post("/cart", "product", "course-ethics", "quantity", "2")
	wrong := func(form ...string) string {
		t.Helper()
		r := b.post("/checkout", form...)
		require.Equal(t, http.StatusUnprocessableEntity, r.status)
		require.Contains(t, r.body, `role="alert"`)
		require.Contains(t, r.body, `aria-invalid="true" aria-describedby="learner-course-ethics-2-error"`)
		require.Contains(t, r.body, `href="#learner-course-ethics-2"`)
		return r.body
	}
	require.Contains(t, wrong("learner-course-ethics-1", "U-1002", "learner-course-ethics-2", `"><script>`), "Please choose who takes part.")
	require.Contains(t, wrong("learner-course-ethics-1", "U-1002", "learner-course-ethics-2", "U-1002"), "has a place already")
	require.Contains(t, b.get("/orders").body, "You have not ordered yet")
	require.Contains(t, b.buy("learner-course-ethics-2", "U-1003").path, "/orders/W-")

	b.post("/cart", "product", "course-ethics", "quantity", "1")
	form := b.get("/checkout").body
	require.NotContains(t, form, `value="U-1001" selected`, "who has it is not suggested")
	require.Contains(t, b.post("/checkout", "learner-course-ethics-1", "U-1003").body, "Aiko Tanaka has “Ethics for Practitioners” already")
}

func TestUnmappedProductNeedsAttention(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		at := open(t, dsn)
		b := signIn(t, at.Shop, "U-1003", "course-telehealth", "course-ethics")
		require.Contains(t, b.buy().body, "1 needs staff, 1 queued")
		require.Contains(t, b.until("/learning", ">delivered<"), ">needs attention<")
		require.Equal(t, http.StatusForbidden, b.get("/staff/attention").status)
		seen := signIn(t, at.Shop, "U-2001").get("/staff/attention").body
		require.Contains(t, seen, "Telehealth Update")
		require.Contains(t, seen, "unknown mapping")
	})
}

func TestTwoClicksPlaceOneOrder(t *testing.T) {
	t.Parallel()
	at := open(t, "")
	b := signIn(t, at.Shop, "U-1001", "course-ethics")
	paths := make([]string, 8)
	var wg sync.WaitGroup
	for i := range paths {
		wg.Go(func() { paths[i] = b.post("/checkout", "learner-course-ethics-1", "U-1001").path })
	}
	wg.Wait()
	for _, p := range paths {
		require.Contains(t, p, "/orders/W-")
		require.Equal(t, paths[0], p)
	}
}

func TestStaffCopyWhatElevateWants(t *testing.T) {
	t.Parallel()
	at := open(t, "")
	sam := signIn(t, at.Shop, "U-2001")
	page := sam.get("/staff").body
	require.Contains(t, page, `value="course-ethics"`)
	require.Contains(t, page, `value="`+at.Shop+`/amsbridge/buy?product=course-ethics"`)
	require.NotContains(t, page, "event-gala", "it is not on Elevate")
	list := sam.get("/amsbridge/products.csv")
	require.Contains(t, list.header.Get("Content-Type"), "text/csv")
	require.Contains(t, list.body, `"course-ethics","course-ethics","`+at.Shop+"/amsbridge/buy?product=course-ethics\"\r\n")

	maria := signIn(t, at.Shop, "U-1001")
	for _, path := range []string{"/staff", "/staff/attention", "/staff/sign-ins", "/amsbridge/products.csv"} {
		require.Equal(t, http.StatusForbidden, maria.get(path).status, path)
		require.Equal(t, http.StatusOK, sam.get(path).status, path)
	}
	require.Equal(t, "/sign-in", newBrowser(t, at.Shop).get("/staff").path)
	require.Contains(t, sam.get("/amsbridge/jwks.json").body, `"kty":"OKP"`)
}
