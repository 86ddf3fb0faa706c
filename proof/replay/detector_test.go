//go:build race

package replay

// goroutines in each process: the race detector makes each four times as slow.
const goroutines = 34
