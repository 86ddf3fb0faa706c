//go:build !race

package replay

// goroutines in each process.
const goroutines = 100
