package bench

// measurements are in the order of the bars in which they are written down.
var measurements = []Measurement{
	{"enqueue", enqueue},
	{"round trips", roundTrips},
	{"drain, instant answer", drainInstant},
	{"drain, 50 ms answer", drainSlow},
	{"drain, no-op", drainNoop},
	{"commit to arrival", arrival},
	{"kept rows", keptRows},
	{"old snapshot", oldSnapshot},
	{"whale", whale},
	{"ten a person", tenAPerson},
	{"destinations", manyDestinations},
	{"dead destination", deadDestination},
	{"four senders", fourSenders},
	{"memory", memory},
	{"SQLite checkout", sqliteCheckout},
	{"idle", idle},
}

// The bars, as far as several measurements name them or they need a word.
var (
	barEnqueue      = atLeast(0.55) // pgx; half of the checkout for the push
	barEnqueueSQL   = atLeast(0.50)
	barEnqueueMaria = atLeast(0.45)
)
