package notifiedtest

import (
	"slices"
	"strconv"
	"strings"
)

// addAddOns is opcode M. In what order the platform looks, and that it adds all
// or none, are guesses.
func (s *Server) addAddOns(area string, p params, c *Call) opAnswer {
	showKey, okShow := digits(p["ShowKey"])
	keys, okKeys := keyList(p["AddOnsChangeList"])
	switch {
	case !okShow:
		c.Violations = append(c.Violations, "ShowKey is not digits")
		return refusal(GuessStatusBadParameter, "Bad ShowKey!")
	case !okKeys:
		c.Violations = append(c.Violations, "AddOnsChangeList is not digits parted by commas")
		return refusal(GuessStatusBadParameter, "Bad AddOnsChangeList!")
	}
	c.Show, c.AddOns = showKey, keys
	user, ok := s.lookup(area, p)
	if !ok {
		return refusal(StatusUserNotFound, "User Not Found!")
	}
	c.User = user.ID
	show, ok := s.shows[showKey]
	if !ok || show.Area != area {
		return refusal(StatusEventNotFound, "Event Not Found!")
	}
	reg, ok := s.registrations[seat{user.ID, showKey}]
	if !ok {
		return refusal(StatusNotRegistered, "User Not Registered!")
	}
	pkg, _ := show.find(reg.pkg)
	for _, k := range keys {
		switch a, ok := pkg.find(k); {
		case !ok && !show.has(k):
			return refusal(StatusDisplayItemMissing, "Display Item Missing!")
		case !ok:
			return refusal(GuessStatusNotInPackage, "AddOn Not In Package!")
		case a.RefersTo != "":
			return refusal(GuessStatusOtherPackage, "AddOn Refers To Other Package!")
		case reg.addOns[k] && s.cfg.ReAdd == RefusePresent:
			return refusal(GuessStatusPresent, "AddOn Already Present!")
		}
	}
	for _, k := range keys {
		if !reg.addOns[k] {
			c.Added = append(c.Added, k)
			reg.addOns[k] = true
		}
	}
	c.Effect = c.Effect || len(c.Added) > 0
	count := len(c.Added)
	if s.cfg.ReAdd == CountAll {
		count = len(keys)
	}
	return opAnswer{message: "OK", name: "AddOnsAdded", value: strconv.Itoa(count)}
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
