package query

import (
	"errors"
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
		"utm_campaign=50%off", "utm_content=a;b", "amp;product=c2", "amp;products=c2", "xamp;product=c2", "amp;amp;product=c2", "ampproduct=c2", "%zz=1", "%=%", "=", "", "product[]=c2", "Product=c2", "products=c2",
		"product;=c2", ";product=c2", "\xff=\xff", "%ff=%fe", "x=%00", "a=b=c", "fbclid", "+product=c2", "product%20=c2",
	} {
		for _, raw := range []string{foreign + "&product=c1", "product=c1&" + foreign, foreign + "&product=c1&" + foreign} {
			own, err := Read(raw, "product")
			require.NoError(t, err, raw)
			require.Equal(t, url.Values{"product": {"c1"}}, own, raw)
			own, err = ReadIDs(raw, "product")
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

// Mailing programs append their own to a link as if it had no query yet, and escape its "&".
func TestWhatMailingProgramsAppendIsNoneOfAnID(t *testing.T) {
	t.Parallel()
	want := url.Values{"product": {"c1"}, "quantity": {"2"}}
	for _, raw := range []string{
		"product=c1&quantity=2?utm_source=n", "quantity=2&product=c1?utm_source=n&utm_campaign=50%off", "product=c1;utm_source=x&quantity=2",
		"utm_source=x&amp;product=c1&amp;quantity=2", "product=c1&amp%3Bquantity=2", "quantity=2&product=c1?utm=50%off", "product=c1?&quantity=2;",
		"product=c1;jsessionid=1?a=b&quantity=2?products=c2;Quantity=3",
	} {
		own, err := ReadIDs(raw, "product", "quantity")
		require.NoError(t, err, raw)
		require.Equal(t, want, own, raw)
	}
	for _, id := range []string{"c?1", "c;1", "?", ";", "a?b;c=d&amp;product=e"} {
		raw := url.Values{"product": {id}}.Encode()
		own, err := ReadIDs(raw+"?utm_source=n;m", "product")
		require.NoError(t, err, raw)
		require.Equal(t, url.Values{"product": {id}}, own, "%s, which is percent-encoded", raw)
	}
	own, err := ReadIDs("amp;product=c1&amp;product=c2", "product")
	require.NoError(t, err)
	require.Equal(t, url.Values{"product": {"c1", "c2"}}, own, "two are two")
	own, err = Read("return_to=/courses?page=2;3", "return_to")
	require.NoError(t, err)
	require.Equal(t, url.Values{"return_to": {"/courses?page=2;3"}}, own, "a path has them")
	for _, bad := range []string{"product=%zz?utm_source=n", "product=c1;quantity=2", "product=c1?utm_source=n;quantity=2", "product=c1??product=c2"} {
		_, err = ReadIDs(bad, "product", "quantity")
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

// FuzzRead: what the standard library can read at all is read alike, but for what mailing programs do.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"product=c1", "product=a%26b&product=c", "x=%zz&product=1", "product=a;b", "product=a?b=c", "amp%3Bproduct=c", "&&=&product"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		own, err := Read(raw, "product")
		all, broken := url.ParseQuery(raw)
		if broken != nil {
			return
		}
		require.NoError(t, err)
		if !all.Has("product") {
			all["product"] = all["amp;product"]
		}
		require.Equal(t, all["product"], own["product"])
		ids, err := ReadIDs(raw, "product")
		if errors.Is(err, errAppended) {
			return
		}
		require.NoError(t, err)
		require.Len(t, ids["product"], len(own["product"]))
		for i, id := range ids["product"] {
			require.True(t, strings.HasPrefix(own["product"][i], id), "%q of %q", id, raw)
		}
	})
}
