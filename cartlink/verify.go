package cartlink

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/amsbridge/amsbridge"
)

// Problem is something wrong with a product that staff can fix.
type Problem struct {
	ProductID string
	// Problem says what is wrong, in plain words.
	Problem string
}

// verifyTimeout bounds each call of [Links.VerifyCatalog], unless the client has
// a time-out of its own.
const verifyTimeout = 10 * time.Second

// VerifyCatalog finds what would leave a member without a course: products that no push can be made of,
// two products with one Remote Product ID, and registration URLs that do not answer. It calls each URL
// once by HEAD, which changes no cart; a redirect is a problem too. The client may be nil; a client
// without a time-out gets one of ten seconds. An error means that the catalogue cannot be listed or
// that the context ended.
func (l *Links) VerifyCatalog(
	ctx context.Context, catalog amsbridge.CatalogList, client *http.Client,
) ([]Problem, error) {
	products, err := productsOf(ctx, catalog)
	if err != nil {
		return nil, err
	}
	if client == nil {
		client = &http.Client{}
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if own.Timeout == 0 {
		own.Timeout = verifyTimeout
	}
	var found []Problem
	seen := map[string]string{}
	for _, p := range products {
		report := func(problem string) { found = append(found, Problem{ProductID: p.ID, Problem: problem}) }
		if problem := p.Problem(); problem != "" {
			report("its " + problem)
		}
		if !p.OnElevate() {
			if !p.OnNotified() && len(p.Includes) == 0 {
				report("it has no Remote Product ID and no show: it lives in the shop alone")
			}
			continue
		}
		if other, twice := seen[p.RemoteProductID]; twice {
			report("its Remote Product ID is also that of product " + other)
		}
		seen[p.RemoteProductID] = p.ID
		if problem := answers(ctx, &own, l.URL(p)); problem != "" {
			report("its Registration URL " + problem)
		}
		if err := ctx.Err(); err != nil {
			return found, err
		}
	}
	return found, nil
}

// answers says what is wrong with a URL, or returns "".
func answers(ctx context.Context, client *http.Client, target string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, target, nil)
	if err != nil {
		return "is not a URL"
	}
	resp, err := client.Do(req)
	if err != nil {
		return "does not answer"
	}
	_ = resp.Body.Close() // a HEAD has none
	if resp.StatusCode/100 != 2 {
		return fmt.Sprintf("answers %d", resp.StatusCode)
	}
	return ""
}
