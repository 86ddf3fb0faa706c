package outbox

import (
	"fmt"
	"strings"
)

// InstallationNamed returns the identity under which a store keeps an installation that has a name. What a
// store tells of where it is kept begins otherwise.
func InstallationNamed(name string) string { return "name " + name }

// ReasonInstallation is why a store pauses everything when a sender joins from an installation that did not
// adopt it. Found is that one's identity, and adopted are the others'.
func ReasonInstallation(by, found string, adopted []string) string {
	return CutText(fmt.Sprintf("A sender of another installation joined. If the database was copied, restored or moved and may be sent "+
		"from, adopt it (Operator.Adopt): what is in the queue is then sent marked as possible duplicates. If it is a copy that must "+
		"not be sent from, leave it so. If the sender is at the wrong database, stop it and resume (Operator.ResumeAll). "+
		"The sender %s is at: %s. The database was adopted for: %s.",
		by, CutText(found, 200), strings.Join(adopted, "; or ")), MaxReason)
}
