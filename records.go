package amsbridge

import (
	"context"
	"slices"

	"github.com/amsbridge/amsbridge/outbox"
)

// records are the messages that a change needs to know. They are read for all seats of an order at once,
// however many: a first run of the comparison only notes which it would read.
type records struct {
	find   func(keys []string) ([]outbox.Record, error)
	known  map[string]outbox.Record
	read   map[string]bool // keys that were looked for
	noting bool
	noted  []string
}

// of returns the messages that have these keys, as far as there are any.
func (r *records) of(keys []string) (map[string]outbox.Record, error) {
	var missing []string
	for _, key := range keys {
		if !r.read[key] {
			missing = append(missing, key)
		}
	}
	if r.noting {
		r.noted = append(r.noted, missing...)
	} else if err := r.fetch(missing); err != nil {
		return nil, err
	}
	found := map[string]outbox.Record{}
	for _, key := range keys {
		if m, ok := r.known[key]; ok {
			found[key] = m
		}
	}
	return found, nil
}

func (r *records) fetch(keys []string) error {
	for some := range slices.Chunk(keys, pageSize) {
		found, err := r.find(some)
		if err != nil {
			return err
		}
		for _, key := range some {
			r.read[key] = true
		}
		for _, m := range found {
			r.known[m.Key] = m
		}
	}
	return nil
}

// changed makes the change that a call comes to after an entry.
func (h *Hook[Tx]) changed(
	ctx context.Context, tx Tx, order Order, last outbox.Entry, look func(string) (mapping, error), fill func(*change) error,
) (*change, error) {
	r := &records{known: map[string]outbox.Record{}, read: map[string]bool{}, noting: true}
	r.find = func(keys []string) ([]outbox.Record, error) {
		return h.store.FindTx(ctx, tx, outbox.Query{Keys: keys, Limit: pageSize})
	}
	for {
		c, err := h.newChange(ctx, order, last)
		if err != nil {
			return nil, err
		}
		c.look, c.find = look, r.of
		if err := fill(c); err != nil || len(r.noted) == 0 {
			return c, err
		}
		r.noting = false
		if err := r.fetch(r.noted); err != nil {
			return nil, err
		}
		r.noted = nil
	}
}
