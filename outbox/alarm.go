package outbox

import (
	"context"
	"log/slog"
)

// AlarmKind says what a person must act on.
type AlarmKind string

// The kinds of alarm.
const (
	// AlarmParked: a message was parked.
	AlarmParked AlarmKind = "message parked"
	// AlarmTask: an entry lists a new task. Subject is the order, Key the task's ID, and Destination the
	// association.
	AlarmTask AlarmKind = "order needs a person"
	// AlarmPaused: a destination refuses our credentials, or its address or account is wrong, and was
	// paused.
	AlarmPaused AlarmKind = "destination paused"
	// AlarmBreaker: a destination does not answer and its breaker opened. It is probed, and sending
	// continues by itself once it answers.
	AlarmBreaker AlarmKind = "destination does not answer"
	// AlarmInstallation: everything is paused, since a sender of another installation joined: the store was
	// copied, restored or moved, or that sender is at the wrong one. Reason says what to do. It is told once by
	// each sender, and logged at Error whatever [SenderConfig.Alarm] does.
	AlarmInstallation AlarmKind = "another installation's store"
	// AlarmUnknownDestination: the sender has no destination of the message's name. The message waits.
	AlarmUnknownDestination AlarmKind = "unknown destination"
	// AlarmNewerVersion: the payload is newer than this program. The message waits.
	AlarmNewerVersion AlarmKind = "newer payload version"
	// AlarmUnknownSeal: the profile is sealed with a key that this program does
	// not have. The message waits.
	AlarmUnknownSeal AlarmKind = "unknown seal key"
	// AlarmUnsettled: an outcome could not be recorded before the session ended. The message will
	// be sent again.
	AlarmUnsettled AlarmKind = "outcome not recorded"
	// AlarmFollowUp: a destination returned follow-ups or a receipt that may not
	// be stored. They were left out.
	AlarmFollowUp AlarmKind = "follow-up left out"
)

// Alarm is something that a person must act on. It holds no secret, and no personal data except the
// order ID.
type Alarm struct {
	Kind        AlarmKind
	Destination string
	ID          ID
	Key         string
	Subject     string
	Reason      string
}

func (s *Sender) alarm(ctx context.Context, kind AlarmKind, m Message, reason string) {
	a := Alarm{Kind: kind, Destination: m.Destination, ID: m.ID, Key: m.Key, Subject: m.Subject, Reason: reason}
	if s.cfg.Alarm != nil {
		s.cfg.Alarm(ctx, a)
		return
	}
	a.Log(ctx, s.cfg.Logger)
}

// Log writes the alarm at Error, like a sender without [SenderConfig.Alarm].
func (a Alarm) Log(ctx context.Context, to *slog.Logger) {
	to.LogAttrs(ctx, slog.LevelError, "amsbridge: "+string(a.Kind),
		slog.String("destination", a.Destination), slog.Int64("message", int64(a.ID)), slog.String("key", a.Key),
		slog.String("subject", a.Subject), slog.String("reason", a.Reason))
}
