package model

import (
	"github.com/amsbridge/amsbridge"
)

// seat decides who holds the seats of a line.
func (o *order) seat(l *line, lineID string, named map[amsbridge.UserID]amsbridge.User, rising bool) {
	held := o.held(lineID)
	free := o.free(lineID)
	var fresh, gone []amsbridge.UserID
	for person := range named {
		s := l.seats[person]
		switch {
		case s != nil && s.frozen, held[person]:
		case o.refunded(lineID, person):
			if s == nil {
				l.seats[person] = &seat{items: map[string]*grant{}}
			}
		case s != nil && s.off && !rising:
			l.whose = true
		default:
			fresh = append(fresh, person)
		}
	}
	if l.shopOnly { // seats matter no more
		fresh, l.whose = nil, false
	}
	for person := range held {
		if _, known := named[person]; !known {
			gone = append(gone, person)
		}
	}
	beyond := len(fresh) - max(0, free)
	switch {
	case free >= 0 && beyond > 0 && beyond == len(gone) && rising && !o.model.SwapsByHand:
		o.model.Swaps++
		for _, person := range gone {
			o.takeFrozen(lineID, l.seats[person])
			l.seats[person].off = true
		}
	case beyond > 0:
		l.whose = true
		fresh = nil
	}
	for _, person := range fresh {
		l.seats[person] = &seat{items: map[string]*grant{}}
	}
	l.whose = l.whose || !l.shopOnly && o.free(lineID) < 0
}
