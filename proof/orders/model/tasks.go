package model

import "maps"

// Tasks returns the open tasks of all orders.
func (m *Model) Tasks() map[Task]bool {
	out := map[Task]bool{}
	for _, o := range m.orders {
		maps.Copy(out, o.kept)
		if o.empty {
			out[Task{o.id.association, o.id.order, "", Gone}] = true
		}
		for name, l := range o.lines {
			for kind, is := range map[Kind]bool{
				Open: l.open, Whose: l.whose || l.pending, Mapping: l.unmapped, Profile: l.profile, Gone: l.absent,
			} {
				if is {
					out[Task{o.id.association, o.id.order, name, kind}] = true
				}
			}
		}
	}
	return out
}
