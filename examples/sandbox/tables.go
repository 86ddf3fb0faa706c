package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
)

// rows are the latest of a list, the newest first.
type rows[T any] struct {
	Shown []T
	Total int
}

// Cut tells whether there are more than are shown.
func (r rows[T]) Cut() bool { return r.Total > len(r.Shown) }

// mailView is a confirmation email that Elevate would have sent.
type mailView struct {
	Seq               int
	To, Person        string
	Product, Location string
}

// registrationView is a person registered for a product at Elevate.
type registrationView struct {
	Time                           time.Time
	Person, Name, Product, Address string
}

// personView is a person at Notified.
type personView struct {
	Area, Person  string
	Registrations []string
}

func (s *sandboxes) mails() rows[mailView] {
	return each(s.elevate.Mails(), func(m elevatetest.Mail) mailView {
		return mailView{
			Seq: m.Seq, To: shown(m.To), Person: shown(string(m.UserID)),
			Product: shown(m.RemoteProductID), Location: m.ProductURL,
		}
	})
}

func (s *sandboxes) registrations() rows[registrationView] {
	names := map[string]string{}
	for _, u := range s.elevate.Users() {
		names[string(u.ID)] = shown(u.FirstName + " " + u.LastName)
	}
	return each(s.elevate.Registrations(), func(r elevatetest.Registration) registrationView {
		id := string(r.UserID)
		return registrationView{
			Time: r.Time, Person: shown(id), Name: names[id],
			Product: shown(r.RemoteProductID), Address: r.ProductURL,
		}
	})
}

func (s *sandboxes) duplicatesAtElevate() int {
	type row struct{ user, product string }
	seen, all := map[row]bool{}, 0
	for _, p := range s.elevate.Persons() {
		seen[row{user: string(p.User.ID)}] = true
		all++
	}
	for _, r := range s.elevate.Registrations() {
		seen[row{string(r.UserID), r.RemoteProductID}] = true
		all++
	}
	return all - len(seen)
}

// people are those that Notified knows, area by area.
func (s *sandboxes) people() rows[personView] {
	var all []personView
	for _, a := range s.areas() {
		of := map[int64][]string{}
		for _, r := range s.notified.Registrations(a) {
			text := fmt.Sprintf("show %d, %s", r.Show, shown(r.Package))
			if len(r.AddOns) > 0 {
				text += ", add-ons " + list(r.AddOns)
			}
			of[r.Person.Key] = append(of[r.Person.Key], text)
		}
		for _, p := range s.notified.Persons(a) {
			all = append(all, personView{shown(a), shown(p.ID), of[p.Key]})
		}
	}
	return latest(all)
}

// areas are those of the accounts, each once.
func (s *sandboxes) areas() (areas []string) {
	for _, a := range s.cfg.Notified.Accounts {
		if !slices.Contains(areas, a.Area) {
			areas = append(areas, a.Area)
		}
	}
	return areas
}

// latest returns the last rows of a journal, the newest first.
func latest[T any](all []T) rows[T] {
	shown := slices.Clone(all[max(0, len(all)-maxRows):])
	slices.Reverse(shown)
	return rows[T]{shown, len(all)}
}

func each[T, V any](all []T, show func(T) V) rows[V] {
	last := latest(all)
	r := rows[V]{Total: last.Total}
	for _, t := range last.Shown {
		r.Shown = append(r.Shown, show(t))
	}
	return r
}

// list writes the first of some keys.
func list(keys []int64) string {
	var texts []string
	for _, k := range keys[:min(len(keys), 20)] {
		texts = append(texts, strconv.FormatInt(k, 10))
	}
	if len(keys) > len(texts) {
		texts = append(texts, fmt.Sprintf("and %d more", len(keys)-len(texts)))
	}
	return strings.Join(texts, ", ")
}
