package query

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestForeignParametersAreIgnored(t *testing.T) {
	t.Parallel()
	for _, foreign := range []string{
		"utm_campaign=50%off", "utm_content=a;b", "amp;product=c2", "%zz=1", "%=%", "=", "", "product[]=c2", "Product=c2", "products=c2",
		"product;=c2", ";product=c2", "\xff=\xff", "%ff=%fe", "x=%00", "a=b=c", "fbclid", "+product=c2", "product%20=c2",
	} {
		for _, raw := range []string{foreign + "&product=c1", "product=c1&" + foreign, foreign + "&product=c1&" + foreign} {
			own, err := Read(raw, "product")
			require.NoError(t, err, raw)
			require.Equal(t, url.Values{"product": {"c1"}}, own, raw)
		}
	}
}

func TestOwnParametersAreRead(t *testing.T) {
	t.Parallel()
	own, err := Read("%70roduct=a%26b+c%3B&quantity&product=a;b", "product", "quantity")
	require.NoError(t, err)
	require.Equal(t, url.Values{"product": {"a&b c;", "a;b"}, "quantity": {""}}, own)
	for _, bad := range []string{"product=50%", "product=%zz", "product=c1&product=%"} {
		_, err := Read(bad, "product")
		require.Error(t, err, bad)
	}
}

func TestFormsHaveNothingOfTheQuery(t *testing.T) {
	t.Parallel()
	post := func(body string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL.RawQuery = "a=query&utm_campaign=50%off&x=a;b"
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	r := post("a=1&b=2")
	form, err := Form(httptest.NewRecorder(), r, 7)
	require.NoError(t, err)
	require.Equal(t, url.Values{"a": {"1"}, "b": {"2"}}, form)
	require.Equal(t, "2", r.PostFormValue("b"), "the next handler may read it")
	seen := post("a=1")
	require.Equal(t, "1", seen.PostFormValue("a"))
	form, err = Form(httptest.NewRecorder(), seen, 7)
	require.NoError(t, err)
	require.Equal(t, url.Values{"a": {"1"}}, form)
	for _, bad := range []string{"a=1&b=23", "a=%"} {
		_, err := Form(httptest.NewRecorder(), post(bad), 7)
		require.Error(t, err, bad)
	}
}

// FuzzRead: what the standard library can read at all is read alike.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"product=c1", "product=a%26b&product=c", "x=%zz&product=1", "product=a;b", "&&=&product"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		own, err := Read(raw, "product")
		all, broken := url.ParseQuery(raw)
		if broken != nil {
			return
		}
		require.NoError(t, err)
		require.Equal(t, all["product"], own["product"])
	})
}
