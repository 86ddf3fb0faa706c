package amsbridge

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// CatalogProblem is one that staff can mend.
type CatalogProblem struct {
	ProductID string
	// Problem says what is wrong, in plain words.
	Problem string
}

// verifyTimeout bounds each call of [CartLinks.VerifyCatalog].
const verifyTimeout = 10 * time.Second

// VerifyCatalog looks for what would leave a member without a course: products
// that no push can be made of, two products with one Remote Product ID, and
// registration URLs that do not answer. Each URL is asked once, by HEAD, which
// changes no cart; redirects count as no answer. A nil client is one with a
// time-out of ten seconds. An error says that the catalogue cannot be listed, or
// that the context ended.
func (c *CartLinks) VerifyCatalog(ctx context.Context, catalog CatalogList, client *http.Client) ([]CatalogProblem, error) {
	products, err := catalog.Products(ctx)
	if err != nil {
		return nil, fmt.Errorf("amsbridge: list the products: %w", err)
	}
	if client == nil {
		client = &http.Client{}
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if own.Timeout == 0 {
		own.Timeout = verifyTimeout
	}
	var found []CatalogProblem
	seen := map[string]string{}
	for _, p := range products {
		report := func(problem string) { found = append(found, CatalogProblem{p.ID, problem}) }
		if field, problem := p.problem(); problem != "" {
			report("its " + field + " " + problem)
		}
		if !p.OnElevate() {
			if !p.OnNotified() {
				report("it has no Remote Product ID and no show: it lives in the shop alone")
			}
			continue
		}
		if other, twice := seen[p.RemoteProductID]; twice {
			report("its Remote Product ID is also that of product " + other)
		}
		seen[p.RemoteProductID] = p.ID
		if problem := answers(ctx, &own, c.URL(p)); problem != "" {
			report("its Registration URL " + problem)
		}
		if err := ctx.Err(); err != nil {
			return found, err
		}
	}
	return found, nil
}

// answers says what is wrong with a URL, or nothing.
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
