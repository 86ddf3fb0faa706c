// Package outcometest holds a platform's documented outcomes to the code. It reads the tables in docs that
// say what each reply comes to, has a test play each row, and gives a sender that outcome for some days of
// a synthetic clock. For tests only.
package outcometest
