package outbox

import (
	"fmt"
	"maps"
	"slices"

	"github.com/amsbridge/amsbridge/internal/check"
)

// Resolver finds the destination of a name. It is called for each delivery and must be quick and safe
// for concurrent use. It returns false for a name that it does not know; the message is then deferred
// with an alarm, and never parked for it.
type Resolver interface {
	Resolve(destination string) (Destination, bool)
}

// Fixed is a [Resolver] that is a map. It must not be changed while in use.
type Fixed map[string]Destination

// Resolve returns the destination of that name.
func (f Fixed) Resolve(name string) (Destination, bool) {
	d, ok := f[name]
	return d, ok && d != nil
}

// Check returns an *amsbridge.InputError where the map is empty, a name is not valid (see
// [CheckDestination]), or a destination is nil. [NewSender] calls it, and the Check of any other
// Resolver that has one.
func (f Fixed) Check() error {
	if len(f) == 0 {
		return check.Bad("outbox", "SenderConfig.Destinations", "is empty")
	}
	for _, name := range slices.Sorted(maps.Keys(f)) {
		problem := destinationProblem(name)
		if problem == "" && check.IsNil(f[name]) {
			problem = "is nil"
		}
		if problem != "" {
			return check.Bad("outbox", fmt.Sprintf("SenderConfig.Destinations[%.200q]", name), problem)
		}
	}
	return nil
}

// checkDestinations refuses what can find no destination.
func checkDestinations(r Resolver) error {
	if check.IsNil(r) {
		return check.Bad("outbox", "SenderConfig.Destinations", "is nil")
	}
	if checked, ok := r.(interface{ Check() error }); ok {
		return checked.Check()
	}
	return nil
}
