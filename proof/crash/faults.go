package crash

// What fails, as the report calls it.
const (
	killProcess    = "process killed"
	crashServer    = "server crashed"
	cutConnections = "connections cut"
)

// moment is when a fault happens.
type moment string

// The moments: any, the first sight of a new lease, and some time after all that
// was under lease at the fault before has been received.
const (
	anyTime       moment = "at any time"
	atLease       moment = "at the sight of a lease"
	onceRecovered moment = "after the recovery"
)

type fault struct {
	what string
	when moment
}

func (f fault) String() string { return f.what + " " + string(f.when) }

// planFaults lays out the faults. One in four is the database's, where it has a server,
// by turns to the server and to the connections; the rest kill the process. The
// moments take turns too.
func planFaults(n int, server bool) []fault {
	moments := [...]moment{atLease, onceRecovered, anyTime}
	var out []fault
	processes, databases := 0, 0
	for i := range n {
		if !server || i%4 != 2 {
			out = append(out, fault{killProcess, moments[processes%3]})
			processes++
			continue
		}
		f := fault{crashServer, moments[databases/2%3]}
		if databases%2 == 1 {
			f.what = cutConnections
		}
		out = append(out, f)
		databases++
	}
	return out
}
