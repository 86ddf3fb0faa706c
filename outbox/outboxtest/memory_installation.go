package outboxtest

import (
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// meet adopts the store for the first session's installation, and pauses everything for another one's.
func (m *Memory) meet(s *session) {
	switch {
	case len(m.adopted) == 0:
		m.adopted = []string{s.at}
	case !slices.Contains(m.adopted, s.at):
		if d := m.destination(""); d.Pausing != outbox.PausedByOperator {
			d.Pausing, d.Reason = outbox.PausedByItself, outbox.ReasonInstallation(s.by, s.at, m.adopted)
		}
	}
}

// strangers are the installations of sessions that did not adopt the store.
func (m *Memory) strangers() (at []string) {
	for _, s := range m.sessions {
		if !slices.Contains(m.adopted, s.at) {
			at = append(at, s.at)
		}
	}
	return at
}

// adopt adopts the store for all sessions' installations. What is queued may have been sent elsewhere.
func (m *Memory) adopt() {
	m.adopted = append(m.adopted, m.strangers()...)
	for _, r := range m.queue {
		r.msg.Doubt |= outbox.DoubtLost
	}
	if d := m.destination(""); d.Pausing == outbox.PausedByItself {
		d.Pausing, d.Reason = outbox.NotPaused, ""
	}
}
