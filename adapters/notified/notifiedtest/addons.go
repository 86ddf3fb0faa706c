package notifiedtest

import (
	"slices"
	"strconv"
	"strings"
)

// addAddOns is opcode M. The order of the platform's checks, and that it adds all or none, are guesses.
func (r *run) addAddOns() opAnswer {
	at, keys, bad := r.changeList()
	if bad.status != StatusOK {
		return bad
	}
	reg := at.registration
	pkg, _ := at.show.keyed(reg.pkg)
	for _, k := range keys {
		switch a, ok := pkg.find(k); {
		case !ok && !at.show.has(k):
			return refusal(StatusDisplayItemMissing, "Display Item Missing!")
		case !ok:
			return refusal(GuessStatusNotInPackage, "AddOn Not In Package!")
		case a.RefersTo != "":
			return refusal(GuessStatusOtherPackage, "AddOn Refers To Other Package!")
		case reg.addOns[k] && r.server.cfg.ReAdd == RefusePresent:
			return refusal(GuessStatusPresent, "AddOn Already Present!")
		}
	}
	count := 0
	for _, k := range keys {
		if !reg.addOns[k] {
			r.note.Added = append(r.note.Added, k)
			reg.addOns[k] = true
			r.record(reg, k, false)
			count++
		}
	}
	r.note.Effect = r.note.Effect || count > 0
	if r.server.cfg.ReAdd == CountAll {
		count = len(keys)
	}
	return accepted("AddOnsAdded", strconv.Itoa(count))
}

// removeAddOns is opcode N. That it counts only the items that were there is a guess.
func (r *run) removeAddOns() opAnswer {
	at, keys, bad := r.changeList()
	if bad.status != StatusOK {
		return bad
	}
	if slices.ContainsFunc(keys, func(k int64) bool { return !at.show.has(k) }) {
		return refusal(StatusDisplayItemMissing, "Display Item Missing!")
	}
	count := 0
	for _, k := range keys {
		if at.registration.addOns[k] {
			r.note.Removed = append(r.note.Removed, k)
			delete(at.registration.addOns, k)
			r.record(at.registration, k, true)
			count++
		}
	}
	r.note.Effect = r.note.Effect || count > 0
	return accepted(r.server.cfg.Names.AddOnsRemovedOutput, strconv.Itoa(count))
}

// listAddOns is opcode A: a row for each item, in numeric order.
func (r *run) listAddOns() opAnswer {
	at, bad := r.findRegistered()
	switch {
	case bad.status == StatusNotRegistered && at.show.Open:
		return needsNoRegistration
	case bad.status != StatusOK:
		return bad
	}
	a := accepted(r.server.cfg.Names.AddOnOutput)
	for _, k := range at.registration.sortedAddOns() {
		a.rows = append(a.rows, []string{strconv.FormatInt(k, 10)})
	}
	return a
}

// changeList reads AddOnsChangeList and finds the registration to change.
func (r *run) changeList() (found, []int64, opAnswer) {
	keys, ok := keyList(r.params["AddOnsChangeList"])
	if !ok {
		return found{}, nil, r.badParameter("AddOnsChangeList is not digits parted by commas")
	}
	r.note.AddOns = keys
	at, bad := r.findRegistered()
	return at, keys, bad
}

// keyList reads add-on keys, each once.
func keyList(list string) ([]int64, bool) {
	var keys []int64
	for entry := range strings.SplitSeq(list, ",") {
		k, ok := digits(entry)
		if !ok {
			return nil, false
		}
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys, true
}
