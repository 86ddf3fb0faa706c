package crash

// What fails, as the report calls it.
const (
	killProcess    = "process killed"
	endProcess     = "process told to end"
	freezeProcess  = "process frozen beyond its session"
	crashServer    = "server crashed"
	cutConnections = "connections cut"
	swallowBytes   = "network path broken"
	swallowAndKill = "network path broken, process killed"
)

// moment is when a fault happens.
type moment string

// The moments: any, the first sight of a new flight, and some time after all that
// was in flight at the fault before has been received.
const (
	anyTime       moment = "at any time"
	inFlight      moment = "at the sight of a flight"
	onceRecovered moment = "after the recovery"
)

type fault struct {
	what string
	when moment
}

func (f fault) String() string { return f.what + " " + string(f.when) }

// ends tells whether the child is gone after it.
func (f fault) ends() bool {
	return f.what == killProcess || f.what == endProcess || f.what == swallowAndKill
}

// ofDatabase tells whether the child's database fails by it.
func (f fault) ofDatabase() bool {
	return f.what == crashServer || f.what == cutConnections || f.what == swallowBytes || f.what == swallowAndKill
}

// planFaults lays out the faults. Every second one is another than the death of a process, where the database has a
// server, and every fourth where it has none; those take turns, and the moments do.
func planFaults(n int, server bool) []fault {
	moments := [...]moment{inFlight, onceRecovered, anyTime}
	others, each := []string{endProcess, freezeProcess}, 4
	if server {
		others, each = []string{crashServer, freezeProcess, swallowBytes, cutConnections, endProcess, swallowAndKill}, 2
	}
	var out []fault
	killed, other := 0, 0
	for i := range n {
		if i%each != each-1 {
			out = append(out, fault{killProcess, moments[killed%3]})
			killed++
			continue
		}
		// A process that has nothing yet is no proof of how it is frozen or ends.
		f := fault{others[other%len(others)], moments[other/len(others)%2]}
		out = append(out, f)
		other++
	}
	return out
}
