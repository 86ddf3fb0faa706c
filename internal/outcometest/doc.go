// Package outcometest holds a platform's documented outcomes to the code: the
// tables in docs that say what each reply comes to, and a sender that is made to
// meet each outcome for days of a bubble's time. For tests only.
package outcometest
