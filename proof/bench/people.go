package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/outbox"
)

// course is the one product that is sold.
const course = "course-1"

// oneCourse is the catalogue.
type oneCourse struct{}

func (oneCourse) Lookup(_ context.Context, id string) (amsbridge.Product, amsbridge.Offering, error) {
	if id != course {
		return amsbridge.Product{}, amsbridge.NotOffered, nil
	}
	return amsbridge.Product{ID: course, RemoteProductID: course}, amsbridge.Offered, nil
}

// orderOf returns an order of one course for that person.
func orderOf(number, buyer int64) amsbridge.Order {
	return amsbridge.Order{
		ID: fmt.Sprintf("o-%09d", number), Buyer: person(buyer),
		Lines: []amsbridge.Line{{ID: "1", ProductID: course, Quantity: 1}},
	}
}

func person(n int64) amsbridge.User {
	id := fmt.Sprintf("u-%09d", n)
	return amsbridge.User{ID: amsbridge.UserID(id), FirstName: "Ada", LastName: "Byron", Email: id + "@example.org"}
}

// shape says for the ith of many orders who buys, counted from 0, and through
// which association, if any.
type shape func(i int) (buyer int, association string)

// distinct gives every order a buyer of its own.
func distinct(i int) (int, string) { return i, "" }

// collector is a store that keeps what the hook makes.
type collector struct{ msgs []outbox.Message }

func (c *collector) InsertTx(context.Context, struct{}, ...outbox.Message) ([]outbox.Inserted, error) {
	return nil, errors.New("bench: the hook inserted messages without an entry")
}

func (c *collector) FindTx(context.Context, struct{}, outbox.Query) ([]outbox.Record, error) {
	return nil, nil
}

func (c *collector) AppendTx(_ context.Context, _ struct{}, _ outbox.Entry, msgs ...outbox.Message) (bool, error) {
	c.msgs = append(c.msgs, msgs...)
	return true, nil
}

func (c *collector) LastEntryTx(context.Context, struct{}, string, string, int) (outbox.Entry, error) {
	return outbox.Entry{}, nil
}

// collecting returns a hook whose messages the collector keeps.
func collecting(catalog amsbridge.Catalog) (*amsbridge.Hook[struct{}], *collector, error) {
	c := &collector{}
	hook, err := amsbridge.NewHook(c, amsbridge.HookConfig{Catalog: catalog})
	return hook, c, err
}

// fill leaves one message in the outbox for each of n orders of that shape,
// a thousand to a transaction. It returns the number before that of the first
// buyer.
func fill(ctx context.Context, o Outbox, n int, of shape) (first int64, err error) {
	hook, made, err := collecting(oneCourse{})
	if err != nil {
		return 0, err
	}
	first = numbers.Add(int64(n)) - int64(n)
	for i := range n {
		buyer, association := of(i)
		order := orderOf(first+int64(i)+1, first+int64(buyer)+1)
		order.Association = association
		if _, err := hook.OrderCompleted(ctx, struct{}{}, order); err != nil {
			return 0, err
		}
		if len(made.msgs) < 1000 && i+1 < n {
			continue
		}
		if err := o.Insert(ctx, made.msgs); err != nil {
			return 0, err
		}
		made.msgs = made.msgs[:0]
	}
	return first, nil
}
