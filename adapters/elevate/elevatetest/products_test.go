package elevatetest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
)

func TestProductsThatAreNotToBeHad(t *testing.T) {
	t.Parallel()
	s, err := elevatetest.New(elevatetest.Config{
		Key: "key", Profile: elevate.GuessedProfile(),
		Products: []elevatetest.Product{
			{RemoteProductID: "DRAFT", Draft: true},
			{RemoteProductID: "CLOSED", Closed: true},
			{RemoteProductID: "BOTH", Draft: true, Closed: true},
		},
	})
	require.NoError(t, err)
	for product, refusal := range map[string]string{
		"DRAFT": "the product is in Draft", "BOTH": "the product is in Draft",
		"CLOSED": "the product is closed for registration", "draft": "unknown product",
	} {
		w := call(s, http.MethodPost, "application/json", strings.Replace(valid, "COURSE-1", product, 1))
		require.Equal(t, http.StatusUnprocessableEntity, w.Code)
		require.JSONEq(t, `{"success":false,"error":"`+refusal+`"}`, w.Body.String())
		j := s.Journal()
		require.Equal(t, refusal, j[len(j)-1].Refusal)
		require.Empty(t, j[len(j)-1].Violations, "the call's form is right")
	}
	require.Empty(t, s.Persons())
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/products/draft", http.NoBody))
	require.Contains(t, w.Body.String(), "in Draft")
}

func TestProductAppearsAfterSomeCalls(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	late := elevatetest.Product{RemoteProductID: "LATE", AppearsAfter: 2}
	require.NoError(t, s.SetProduct(late))
	push := func() int {
		return call(s, http.MethodPost, "application/json", strings.Replace(valid, "COURSE-1", "LATE", 1)).Code
	}
	require.Equal(t, http.StatusUnauthorized, call(s, http.MethodPost, "application/json",
		strings.Replace(strings.Replace(valid, "COURSE-1", "LATE", 1), `"key"`, `"wrong"`, 1)).Code)
	s.Misbehave(elevatetest.Fault{Kind: elevatetest.ServerError})
	require.Equal(t, []int{500, 422, 422, 200, 200}, []int{push(), push(), push(), push(), push()}, "neither a struck call nor a malformed one counts")
	require.Equal(t, "unknown product", s.Journal()[2].Refusal)
	require.Equal(t, http.StatusOK, call(s, http.MethodPost, "application/json", valid).Code, "other products are there")
	s.Reset()
	require.Equal(t, []int{422, 422, 200}, []int{push(), push(), push()})
	require.NoError(t, s.SetProduct(late))
	require.Equal(t, 422, push())
}

func TestSetProduct(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	push := func() int { return call(s, http.MethodPost, "application/json", valid).Code }
	require.NoError(t, s.SetProduct(elevatetest.Product{RemoteProductID: "COURSE-1", Slug: "safety", Draft: true}))
	require.Equal(t, 422, push())
	require.NoError(t, s.SetProduct(elevatetest.Product{RemoteProductID: "COURSE-1", Slug: "safety"}))
	require.Equal(t, 200, push())
	for path, status := range map[string]int{"/products/safety": 200, "/products/course-1": 404} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		require.Equal(t, status, w.Code, path)
	}
	require.NoError(t, s.SetProduct(elevatetest.Product{RemoteProductID: "Course 1"}), "its slug is free now")
	for field, p := range map[string]elevatetest.Product{
		"Product.RemoteProductID": {Slug: "x"},
		"Product.Slug":            {RemoteProductID: "X", Slug: "safety"},
		"Product.AppearsAfter":    {RemoteProductID: "Y", AppearsAfter: -1},
	} {
		var bad *amsbridge.InputError
		require.ErrorAs(t, s.SetProduct(p), &bad, field)
		require.Equal(t, field, bad.Field)
	}
	require.Equal(t, 200, push(), "a bad product replaces nothing")
}
