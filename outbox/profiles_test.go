package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/amsbridge/amsbridge/outbox"
)

// sealedMsg is a message as a hook with that sealer stores it.
func sealedMsg(s *outbox.Sealer, key, person string) outbox.Message {
	m := msg(key, person)
	m.Profile = []byte("planted@example.org")
	return s.Seal(m)
}

// requireNothingPlanted looks through what the log of a message says.
func (r *env) requireNothingPlanted(ids ...outbox.ID) {
	r.t.Helper()
	for _, id := range ids {
		log, err := r.store.Attempts(r.t.Context(), outbox.AttemptQuery{IDs: []outbox.ID{id}})
		require.NoError(r.t, err)
		for _, a := range log {
			require.NotContains(r.t, a.Reason+a.Detail+a.Code, "planted")
		}
		require.NotContains(r.t, r.one(id).Reason, "planted")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.alarms {
		require.NotContains(r.t, a.Reason, "planted")
	}
}

func TestSealedProfileIsOpenedForItsDestination(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.cfg.Profiles.Seal = sealer(t, false, "2027", "2026")
		r.on("elevate", answer(nil))
		ids := r.insert(sealedMsg(sealer(t, false, "2026"), "old", "U-1"), sealedMsg(r.cfg.Profiles.Seal, "new", "U-2"), msg("plain", "U-3"))
		for _, id := range ids[:2] {
			require.NotContains(t, string(r.one(id).Profile), "planted")
		}
		r.start()
		r.pass(time.Second)
		got := map[string]string{}
		for _, m := range r.messages() {
			got[m.Key] = string(m.Profile)
		}
		require.Equal(t, map[string]string{"old": "planted@example.org", "new": "planted@example.org", "plain": "p"}, got)
		for _, id := range ids {
			require.Equal(t, outbox.StateDelivered, r.one(id).State)
			require.Empty(t, r.one(id).Profile)
		}
	})
}

// An older program leaves what a newer one sealed alone; the newer one sends it.
func TestUnknownSealWaitsForAnotherProgram(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.cfg.Profiles.Seal = sealer(t, false, "2026")
		r.cfg.Profiles.LookUp = func(context.Context, outbox.Message) ([]byte, error) { return []byte("another"), nil }
		r.on("elevate", answer(nil))
		r.cfg.Poll = time.Hour // what falls due is known
		id := r.insert(sealedMsg(sealer(t, false, "2027"), "new", "U-1"))[0]
		r.seldom()
		r.start()
		r.pass(100 * time.Hour)
		require.Zero(t, r.sends())
		rec := r.one(id)
		require.Equal(t, outbox.StatePending, rec.State)
		require.Zero(t, rec.Attempt, "it used up no attempt")
		require.Zero(t, rec.Doubt)
		require.Contains(t, r.alarmKinds(), outbox.AlarmUnknownSeal)
		require.NotContains(t, r.alarmKinds(), outbox.AlarmParked)
		r.stop()
		r.cfg.Profiles.Seal = sealer(t, false, "2026", "2027")
		r.start()
		r.pass(2 * time.Minute)
		require.Equal(t, outbox.StateDelivered, r.one(id).State)
		require.Equal(t, "planted@example.org", string(r.messages()[0].Profile))
	})
}

// What can never be sent is parked unsent, in plain words.
func TestProfileThatCannotBeHadParksTheMessage(t *testing.T) {
	t.Parallel()
	moved := sealedMsg(sealer(t, false, "a"), "other", "U-1")
	moved.Key = "key"
	bare := msg("key", "U-1")
	bare.Profile = nil
	for name, c := range map[string]struct {
		m      outbox.Message
		strict bool
		none   *outbox.ProfileError
		reason string
	}{
		"another message's":  {moved, false, nil, "its sealed profile does not open: it was changed, or is another message's"},
		"replaced":           {msg("key", "U-1"), true, nil, "its profile is not sealed, and this program takes no other"},
		"gone":               {bare, true, &outbox.ProfileError{Reason: "the person is gone"}, "no profile: the person is gone"},
		"gone, not said why": {bare, true, &outbox.ProfileError{}, "no profile"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				r.cfg.Profiles.Seal = sealer(t, c.strict, "a")
				r.cfg.Profiles.LookUp = func(context.Context, outbox.Message) ([]byte, error) { return []byte("planted"), c.none }
				r.on("elevate", answer(nil))
				id := r.insert(c.m)[0]
				r.start()
				r.pass(time.Second)
				require.Zero(t, r.sends())
				rec := r.one(id)
				require.Equal(t, outbox.StateParked, rec.State)
				require.Equal(t, outbox.OutcomeRejected, rec.Outcome)
				require.Equal(t, c.reason, rec.Reason)
				require.Equal(t, []outbox.AlarmKind{outbox.AlarmParked}, r.alarmKinds())
				r.requireNothingPlanted(id)
			})
		})
	}
}

// Any other trouble of a look-up is tried again, and its words go nowhere.
func TestLookUpThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(context.Context) ([]byte, error){
		"error":           func(context.Context) ([]byte, error) { return nil, errors.New("planted@example.org is not there") },
		"error and bytes": func(context.Context) ([]byte, error) { return []byte("half"), errors.New("planted") },
		"no reason":       func(context.Context) ([]byte, error) { return nil, (*outbox.ProfileError)(nil) },
		"panic":           func(context.Context) ([]byte, error) { panic("planted") },
		"seal's error":    func(context.Context) ([]byte, error) { return nil, outbox.ErrSealBroken },
		"late":            func(ctx context.Context) ([]byte, error) { <-ctx.Done(); return []byte("late"), nil },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *env) {
				var mu sync.Mutex
				var text bytes.Buffer
				asked := 0
				r.cfg.Logger = slog.New(slog.NewTextHandler(&text, nil))
				r.cfg.Profiles.LookUp = func(ctx context.Context, m outbox.Message) ([]byte, error) {
					mu.Lock()
					asked++
					first := asked == 1
					mu.Unlock()
					if first {
						return fail(ctx)
					}
					return []byte("profile of " + m.Person), nil
				}
				r.on("elevate", answer(nil))
				m := msg("key", "U-1")
				m.Profile = nil
				id := r.insert(m)[0]
				r.start()
				r.pass(31 * time.Second)
				rec := r.one(id)
				if rec.State == outbox.StatePending {
					require.Equal(t, outbox.OutcomeUnavailable, rec.Outcome)
					require.Zero(t, rec.Doubt, "nothing was sent")
					require.Zero(t, r.sends())
				}
				r.pass(time.Hour)
				require.Equal(t, outbox.StateDelivered, r.one(id).State)
				require.Equal(t, "profile of U-1", string(r.messages()[0].Profile))
				require.Equal(t, 1, r.sends())
				require.Equal(t, 2, asked)
				log, err := r.store.Attempts(t.Context(), outbox.AttemptQuery{IDs: []outbox.ID{id}})
				require.NoError(t, err)
				require.Equal(t, outbox.OutcomeUnavailable, log[0].Outcome)
				require.Equal(t, "the profile could not be looked up", log[0].Reason)
				r.requireNothingPlanted(id)
				r.stop()
				require.NotContains(t, text.String(), "planted")
			})
		})
	}
}

// Only what has no profile is looked up, and what was looked up is not stored.
func TestLookedUpProfileIsNotStored(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.cfg.Profiles.Seal = sealer(t, true, "a")
		r.cfg.Profiles.LookUp = func(_ context.Context, m outbox.Message) ([]byte, error) {
			if m.Person == "nobody" {
				return nil, nil
			}
			return []byte("planted " + m.Person), nil
		}
		tell := func(m outbox.Message, key string, profile []byte) outbox.Message {
			return outbox.Message{
				Destination: "mail", Key: key, Kind: "test", Person: m.Person, Subject: "order", Version: 1, Facts: []byte("f"), Profile: profile,
			}
		}
		r.on("elevate", func(_ context.Context, m outbox.Message) (outbox.Result, error) {
			return outbox.Result{Then: []outbox.Message{tell(m, m.Key+"/same", m.Profile), tell(m, m.Key+"/own", []byte("planted own"))}}, nil
		})
		stored := sealedMsg(r.cfg.Profiles.Seal, "stored", "U-1")
		bare, nobody := msg("bare", "U-2"), msg("nobody", "nobody")
		bare.Profile, nobody.Profile = nil, nil
		r.insert(stored, bare, nobody)
		r.start()
		r.pass(time.Second)
		sent := map[string]string{}
		for _, m := range r.messages() {
			sent[m.Key] = string(m.Profile)
		}
		require.Equal(t, map[string]string{"stored": "planted@example.org", "bare": "planted U-2", "nobody": ""}, sent)
		then, err := r.store.Find(t.Context(), outbox.Query{Subject: "order", Destination: "mail"})
		require.NoError(t, err)
		require.Len(t, then, 6)
		got := map[string]string{}
		for _, rec := range then {
			require.NotContains(t, string(rec.Profile), "planted")
			opened, err := r.cfg.Profiles.Seal.Open(rec.Message)
			require.NoError(t, err)
			got[rec.Key] = string(opened.Profile)
		}
		require.Equal(t, map[string]string{
			"stored/same": "planted@example.org", "stored/own": "planted own",
			"bare/same": "", "bare/own": "planted own", "nobody/same": "", "nobody/own": "planted own",
		}, got)
		// The follow-ups find their profiles when they are sent themselves.
		r.on("mail", answer(nil))
		r.pass(2 * time.Minute)
		for _, m := range r.messages()[3:] {
			if m.Key == "bare/same" {
				require.Equal(t, "planted U-2", string(m.Profile))
			}
		}
		require.Equal(t, 9, r.sends())
	})
}

// A message that was not sent says nothing about its destination: a pause that it
// was to probe stays.
func TestUnsentProbeEndsNoPause(t *testing.T) {
	bubble(t, func(t *testing.T, r *env) {
		r.cfg.Profiles.LookUp = func(context.Context, outbox.Message) ([]byte, error) {
			return nil, &outbox.ProfileError{Reason: "gone"}
		}
		r.on("elevate", failing(outbox.OutcomeUnauthorized))
		r.insert(msg("first", "U-1"))
		r.start()
		r.pass(time.Second)
		bare := msg("bare", "U-0")
		bare.Profile = nil
		parked := r.insert(bare)[0]
		r.pass(2 * time.Hour)
		require.Equal(t, outbox.StateParked, r.one(parked).State, "it was a probe")
		sent := r.times() // and probes otherwise, each 15 minutes
		gap := sent[1].Sub(sent[0])
		require.Greater(t, gap, 15*time.Minute+30*time.Second, "no send where it was the probe")
		require.Less(t, gap, 17*time.Minute, "and another one soon after")
	})
}
