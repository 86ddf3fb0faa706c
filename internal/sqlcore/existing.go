package sqlcore

import (
	"context"
	"fmt"

	"github.com/amsbridge/amsbridge/outbox"
)

// place is what finds a message by its key: both in hexadecimal.
type place struct {
	Destination string `json:"destination"`
	Key         string `json:"key"`
}

// placed is a row to be found.
type placed struct {
	I int `json:"i"`
	place
}

var placeColumns = []column{
	{"i", kindInt},
	{"destination", kindBytes},
	{"key", kindBytes},
}

func (r row) place() place { return place{r.Destination, r.Key} }

// existing looks rows up by their keys, and returns the IDs by the rows' places
// in their insertion.
func (s *Store) existing(ctx context.Context, q Conn, statement string, rows []row) (map[int]outbox.ID, error) {
	places := make([]placed, len(rows))
	for i, r := range rows {
		places[i] = placed{r.I, r.place()}
	}
	args, err := s.d.withRowsLast(placeColumns, places)
	if err != nil {
		return nil, err
	}
	found := map[int]outbox.ID{}
	err = each(ctx, q, func(r Rows) error {
		var i int
		var id outbox.ID
		err := r.Scan(&i, &id)
		found[i] = id
		return err
	}, s.sql[statement], args...)
	return found, err
}

// duplicates looks up the rows that were not inserted.
func (s *Store) duplicates(ctx context.Context, q Conn, b insertion, w written) error {
	missing := b.missing(w)
	if len(missing) == 0 {
		return nil
	}
	found, err := s.existing(ctx, q, "existing", missing)
	if err != nil {
		return err
	}
	for _, r := range missing {
		id, ok := found[r.I]
		if !ok {
			return fmt.Errorf("a message of %d was neither stored nor found: roll back and try again", len(b.rows))
		}
		w.ids[r.I], w.duplicate[r.I] = id, true
	}
	return nil
}
