// Package bench measures what the outbox costs: an order with a push against
// the order alone, and a drain against a bare HTTP loop; and what the platforms'
// clients cost, against a bare http.Client. It is a module of its
// own, so that no driver reaches a shop's build. Only ratios within one run say
// anything: the command ratios prints them, and docs/benchmarks.md keeps them.
package bench
