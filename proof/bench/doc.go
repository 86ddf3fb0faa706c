// Package bench measures what the outbox costs: an order with a push against the
// order alone, and a drain against a bare HTTP loop. Only ratios within one run
// say anything: the command ratios prints them, and docs/benchmarks.md keeps them.
package bench
