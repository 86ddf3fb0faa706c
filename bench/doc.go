// Package bench measures what the outbox costs: an order with a push against
// the order alone, and a drain against a bare HTTP loop. It is a module of its
// own, so that no driver reaches a shop's build. Only ratios within one run say
// anything: the command ratios prints them, and docs/benchmarks.md keeps them.
package bench
