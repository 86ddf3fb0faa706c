package outbox

import "time"

// due reads a page of what was put off and is due. A pass begins at the earliest.
func (f *reader) due(req *Reading, now time.Time) func(Read) {
	if !f.duePage {
		f.dueFrom = Reading{}
	}
	req.Due, req.AfterDue, req.After = true, f.dueFrom.AfterDue, f.dueFrom.After
	req.Shards = append(req.Shards, f.session.shardsThat(taken)...)
	for d := range f.session.behind {
		if d.dueLeft {
			req.Except = append(req.Except, d.name)
		}
	}
	f.dueAt = now.Add(f.cfg.pollEvery())
	return func(got Read) {
		f.admit(got, forAll)
		f.duePage, f.dueFrom.AfterDue, f.dueFrom.After = got.More, got.LastDue, got.Last
		if got.NextDue > 0 {
			f.dueAt = earlier(f.dueAt, now.Add(got.NextDue))
		}
	}
}

// key reads more of an ordering key.
func (f *reader) key(req *Reading) func(Read) {
	f.refills++
	k := f.session.refillableKey()
	req.Key, req.HasKey, req.After, req.Limit = k.key, true, k.left-1, max(1, k.to.perKey(f.session.window)-len(k.rows))
	req.Shards = []int{ShardOf(k.key)}
	return func(got Read) {
		if f.session.keys[k.key] != k || k.left-1 != req.After {
			return // it changed meanwhile, and is read again
		}
		k.left = 0
		f.admit(got, forKey)
		if got.More {
			k.left = first(k.left, got.Last+1)
		}
		f.session.settleKey(k)
	}
}

// destination reads more of a destination: what is due before what is fresh.
func (f *reader) destination(req *Reading) func(Read) {
	f.refills++
	d := f.session.refillable()
	shut, takes := d.shut, f.session.takes
	req.Destination, req.Limit = d.name, max(1, min(req.Limit, d.room(f.session.window)))
	if d.dueLeft {
		req.Due, req.AfterDue, req.After = true, d.dueFrom.AfterDue, d.dueFrom.After
		return func(got Read) {
			if d.shut != shut || f.session.takes != takes {
				return // it was closed meanwhile, or there are more shards
			}
			if req.After == 0 {
				d.dueMissed = false
			}
			f.admit(got, forDestination)
			d.dueFrom, d.dueLeft = Reading{}, d.dueMissed
			if got.More {
				d.dueFrom, d.dueLeft = Reading{AfterDue: got.LastDue, After: got.Last}, true
			}
			f.caughtUp(d)
		}
	}
	req.After = d.left - 1
	return func(got Read) {
		if d.shut != shut || d.left-1 != req.After {
			return
		}
		d.left = 0
		f.admit(got, forDestination)
		if got.More {
			d.left = first(d.left, got.Last+1)
		}
		f.caughtUp(d)
	}
}

// caughtUp forgets that a destination is behind, if it is not.
func (f *reader) caughtUp(d *destState) {
	if d.left == 0 && !d.dueLeft {
		delete(f.session.behind, d)
	} else {
		f.session.behind[d] = struct{}{}
	}
}

// shards reads a page of what new shards have, due messages of theirs having been read before.
func (f *reader) shards(req *Reading) func(Read) {
	s := f.session
	c := &s.scans[0]
	req.Shards, req.After = nil, c.after
	for _, n := range c.shards {
		if s.owned[n] == taken {
			req.Shards = append(req.Shards, n)
		}
	}
	if len(req.Shards) == 0 {
		s.scans = s.scans[1:]
		req.Shards = s.shardsThat(owned)
		return f.fresh(req, time.Now())
	}
	f.except(req)
	return func(got Read) {
		f.admit(got, forAll)
		c.after = max(c.after, got.Last)
		first := len(s.shardsThat(owned)) == 0
		for d := range s.behind { // the new shards may have been read beyond the others
			if !first && d.left > s.head+1 {
				d.left = s.head + 1
			}
		}
		if got.More {
			return
		}
		for _, n := range c.shards {
			if s.owned[n] == taken {
				s.owned[n] = owned
			}
		}
		if first { // the others are read from there on
			s.head = max(s.head, c.after)
		}
		if s.scans = s.scans[1:]; len(s.scans) == 0 {
			s.seen, f.latePage = lateness{}, false // what was committed late of these is looked for from the start
		}
	}
}

// late looks again at what was read, for what was committed behind it.
func (f *reader) late(req *Reading, now time.Time) func(Read) {
	s := f.session
	if !f.latePage {
		f.lateFrom, f.lateTo = s.seen.bound, s.seen.reached
		if !now.Before(f.allAt) {
			f.lateFrom, f.allAt = 0, now.Add(allLate)
		}
	}
	req.After, req.UpTo = f.lateFrom, s.head
	if len(s.known) <= mostKnown {
		for id := range s.known {
			if id > req.After && id <= req.UpTo {
				req.Known = append(req.Known, id)
			}
		}
	}
	if req.After >= req.UpTo {
		f.lateAt, f.latePage = now.Add(f.cfg.Poll), false
		return f.fresh(req, now)
	}
	f.except(req)
	f.lateAt = now
	return func(got Read) {
		f.admit(got, forAll)
		if f.latePage, f.lateFrom = got.More, got.Last; !got.More {
			f.lateAt = now.Add(f.cfg.Poll)
			s.seen.lookedThrough(f.lateTo)
		}
	}
}

// fresh reads what is new.
func (f *reader) fresh(req *Reading, now time.Time) func(Read) {
	f.refills, f.woken = 0, false
	s := f.session
	req.After, req.UpTo, req.Known = s.head, 0, nil
	f.except(req)
	if len(s.known) <= mostKnown {
		// Of checkouts side by side the later ID may be committed first.
		req.After = max(s.seen.bound, s.head-nearby, f.headFrom)
		for id := range s.known {
			if id > req.After {
				req.Known = append(req.Known, id)
			}
		}
	}
	f.pollAt = now.Add(longer(f.cfg.pollEvery()))
	return func(got Read) {
		f.admit(got, forAll)
		s.head = max(s.head, got.Last)
		f.headMore, f.headFrom = got.More, 0
		if got.More {
			f.headFrom = got.Last
		}
	}
}

// admit keeps what was read of shards that are still this session's.
func (f *reader) admit(got Read, from source) {
	for i := range got.Messages {
		w := got.Messages[i] // a copy: one message that waits long must not keep the whole page
		if f.session.holds(w.Key) {
			f.session.admit(&w, from)
		}
	}
}
