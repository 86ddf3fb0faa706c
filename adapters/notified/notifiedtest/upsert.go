package notifiedtest

import "strconv"

// create is opcode I, update is U, and upsert is C. Their outputs are unknown; here they have none.
func (r *run) create() opAnswer { return r.write(true, false) }
func (r *run) update() opAnswer { return r.write(false, true) }
func (r *run) upsert() opAnswer { return r.write(true, true) }

// write creates or changes the person whom the call is about. That missing or empty parameters change
// nothing is a guess.
func (r *run) write(create, update bool) opAnswer {
	by := "EMailAddress"
	if r.params["LookupByExternalUserID"] == "1" {
		by = "ExternalUserID"
	}
	if r.params[by] == "" {
		return r.badParameter("%s is missing", by)
	}
	p := r.person()
	switch holder := r.holder(); {
	case p == nil && !create:
		return refusal(StatusUserNotFound, "User Not Found!")
	case p != nil && !update:
		return refusal(GuessStatusUserExists, "User Already Exists!")
	case holder != nil && holder != p:
		return refusal(GuessStatusIDTaken, "ExternalUserID Already Taken!")
	}
	if create {
		r.pause()
	}
	switch {
	case p != nil && p.gone:
		return refusal(StatusUserNotFound, "User Not Found!")
	case p == nil:
		p = r.arrive()
		r.note.Persons++
		r.note.Effect = true
	}
	u := p.User
	for name, to := range map[string]*string{
		"ExternalUserID": &u.ID, "EMailAddress": &u.Email,
		r.server.cfg.Names.FirstNameParam: &u.FirstName, r.server.cfg.Names.LastNameParam: &u.LastName,
	} {
		if r.params[name] != "" {
			*to = r.params[name]
		}
	}
	if u != p.User {
		r.server.change(p, u)
		r.note.Effect = true
	}
	r.note.User = p.ID
	return accepted("")
}

// holder returns the person with the call's ExternalUserID.
func (r *run) holder() *person {
	if id := r.params["ExternalUserID"]; id != "" {
		if p := r.server.withID(r.area, id); p != nil && p.present() {
			return p
		}
	}
	return nil
}

// arrive returns the person who was to appear later, or makes a new one.
func (r *run) arrive() *person {
	for _, p := range r.server.asked(r.area, r.params) {
		if !p.present() {
			p.late = late{}
			return p
		}
	}
	return r.server.insert(r.area)
}

// deletePerson is opcode D: it deletes the person with all registrations.
func (r *run) deletePerson() opAnswer {
	p := r.person()
	if p == nil {
		return refusal(StatusUserNotFound, "User Not Found!")
	}
	r.recordEnd(p)
	r.server.remove(p)
	r.note.Deleted++
	r.note.Effect = true
	return accepted("")
}

// personKey is opcode G, by which public code of others finds a person. That code reads the first
// output; its name is a guess.
func (r *run) personKey() opAnswer {
	p := r.person()
	if p == nil {
		return refusal(StatusUserNotFound, "User Not Found!")
	}
	return accepted("UserKey", strconv.FormatInt(p.Key, 10))
}
