package crash

// What is struck, as the report calls it.
const (
	killProcess    = "process killed"
	crashServer    = "server crashed"
	cutConnections = "connections cut"
)

// moment is when a blow falls.
type moment string

// The moments: any, the first sight of a new lease, and some time after all that
// was under lease at the blow before has been received.
const (
	anyTime       moment = "at any time"
	atLease       moment = "at the sight of a lease"
	onceRecovered moment = "after the recovery"
)

type blow struct {
	what string
	when moment
}

func (b blow) String() string { return b.what + " " + string(b.when) }

// plan lays out the blows. One in four is to the database, where it has a server,
// by turns to the server and to the connections; the rest kill the process. The
// moments take turns too.
func plan(n int, server bool) []blow {
	moments := [...]moment{atLease, onceRecovered, anyTime}
	var out []blow
	processes, databases := 0, 0
	for i := range n {
		if !server || i%4 != 2 {
			out = append(out, blow{killProcess, moments[processes%3]})
			processes++
			continue
		}
		b := blow{crashServer, moments[databases/2%3]}
		if databases%2 == 1 {
			b.what = cutConnections
		}
		out = append(out, b)
		databases++
	}
	return out
}
