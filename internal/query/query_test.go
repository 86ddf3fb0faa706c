package query

import (
	"net/url"
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
