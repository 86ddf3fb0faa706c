package ssotest

import (
	"crypto/ecdsa"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/amsbridge/amsbridge/ssokeys"
)

// callers is how many callers present one token at once.
const callers = 100

// replayCases present a token more than once; only hand-offs are limited to one use.
func replayCases(f *forger) []attempt {
	if f.kind != HandOffs {
		return nil
	}
	c := func(name, why string, play func(*trial) Outcome) attempt {
		return attempt{Case: Case{"replay/" + name, why, Attack}, needs: []Feature{Replay}, play: play}
	}
	// again presents a good token and then the other one.
	again := func(t *trial, first, second string) Outcome {
		if t.present(first) != Taken {
			return LockedOut
		}
		if o := t.present(second); o != Taken {
			return o
		}
		return TakenAgain
	}
	resigned := func(t *trial, claims object) string {
		return t.sign(t.main(), t.header(t.main()).String(), claims.String())
	}
	out := []attempt{
		c("twice", "who reads a token in a log or a history walks in after the member", func(t *trial) Outcome {
			token := t.good()
			return again(t, token, token)
		}),
		c(fmt.Sprintf("%d at once", callers), "two requests that race both find that it was not used", together),
		c("with one jti, in another order", "a store of texts sees two tokens", func(t *trial) Outcome {
			claims := t.claims()
			return again(t, resigned(t, claims), resigned(t, append(claims[1:len(claims):len(claims)], claims[0])))
		}),
		c("with spare bits", "a store of texts sees two tokens", func(t *trial) Outcome {
			token := t.good()
			return again(t, token, token[:len(token)-1]+nextChar(token[len(token)-1]))
		}),
		{
			Case: Case{"replay/after a forgery of it", "a forger would use up members' tokens by their IDs", Good}, needs: []Feature{Replay},
			play: func(t *trial) Outcome {
				claims := t.claims()
				h, p, s := parts(resigned(t, claims))
				if t.present(h+"."+p+"."+strings.Repeat("A", len(s))) != Refused {
					return TakenAgain
				}
				return t.present(resigned(t, claims))
			},
		},
	}
	if k, ok := f.of(ssokeys.ES256); ok {
		out = append(out, c("with the other ES256 signature", "each has two, and who holds the one can write the other", func(t *trial) Outcome {
			token := t.sign(k, t.header(k).String(), t.claims().String())
			public, ok := k.public().(*ecdsa.PublicKey)
			if !ok {
				return Refused
			}
			return again(t, token, otherSpelling(token, public))
		}))
	}
	last := c("at its last second", "it must be remembered until it has expired everywhere", func(t *trial) Outcome {
		token := t.good()
		if t.present(token) != Taken {
			return LockedOut
		}
		t.now = t.now.Add(time.Minute + t.skew - time.Second)
		// Another token comes first, since it may make the store forget old ones.
		fresh := t.claims().set("iat", number(t.now)).set("exp", number(t.now.Add(time.Minute)))
		if t.present(resigned(t, fresh)) != Taken {
			return LockedOut
		}
		if o := t.present(token); o != Taken {
			return o
		}
		return TakenAgain
	})
	last.needs = append(last.needs, Clock)
	back := c("after the clock was set back", "a store that forgets by a clock that ran ahead takes the token again", afterSetBack)
	back.needs = append(back.needs, Clock)
	return append(out, last, back)
}

// afterSetBack presents a token once more after a clock that ran ahead, for minutes or for hours, was set back.
func afterSetBack(t *trial) Outcome {
	begun := t.now
	for _, ahead := range []time.Duration{t.skew + 2*time.Minute, 3 * time.Hour} {
		fresh := func() string {
			claims := t.claims().set("iat", number(t.now)).set("exp", number(t.now.Add(time.Minute)))
			return t.sign(t.main(), t.header(t.main()).String(), claims.String())
		}
		t.now = begun
		token := fresh()
		if t.present(token) != Taken {
			return LockedOut
		}
		t.now = begun.Add(ahead)
		for range 3 { // other tokens, which may make the store forget old ones
			if t.present(fresh()) != Taken {
				return LockedOut
			}
			t.now = t.now.Add(20 * time.Second)
		}
		t.now = begun.Add(30 * time.Second)
		if o := t.present(token); o != Refused {
			if o == Taken {
				return TakenAgain
			}
			return o
		}
		begun = begun.Add(2*t.skew + 2*time.Minute) // when what the store forgot has ended
	}
	return Refused
}

// together presents one token from many callers at once.
func together(t *trial) Outcome {
	token := t.good()
	start := make(chan struct{})
	outcomes := make(chan Outcome, callers)
	var wg sync.WaitGroup
	for range callers {
		one := &trial{forger: t.forger, ctx: t.ctx, verify: t.verify}
		wg.Go(func() {
			<-start
			outcomes <- one.present(token)
		})
	}
	close(start)
	wg.Wait()
	close(outcomes)
	counts := map[Outcome]int{}
	for o := range outcomes {
		counts[o]++
	}
	t.detail = fmt.Sprintf("%d of %d were let in", counts[Taken], callers)
	switch {
	case counts[Panicked] > 0:
		return Panicked
	case counts[Taken] == 1 && counts[Refused] == callers-1:
		return Refused
	case counts[Taken] == 0:
		return LockedOut
	}
	return TakenAgain
}
