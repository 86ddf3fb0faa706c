package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http/httptest"

	"github.com/amsbridge/amsbridge"
	"github.com/amsbridge/amsbridge/adapters/elevate"
	"github.com/amsbridge/amsbridge/adapters/elevate/elevatetest"
	"github.com/amsbridge/amsbridge/adapters/notified"
	"github.com/amsbridge/amsbridge/adapters/notified/notifiedtest"
)

// useSandboxes starts both platforms' sandboxes and points the options at them.
// Call end when the check is done.
func (o *options) useSandboxes(ctx context.Context) (end func(), err error) {
	const (
		area, product, member     = "association", "course-101", "U-1001"
		show, pkg, gala, workshop = 4711, 4712, 9985, 10342
	)
	o.loopback, o.elevateKey = true, rand.Text()
	o.notifiedAuthCode, o.notifiedCredentials = rand.Text(), rand.Text()
	learning, err := elevatetest.New(elevatetest.Config{
		Key: o.elevateKey, Profile: elevate.GuessedProfile(), ReportProfile: elevate.GuessedReportProfile(),
		Products: []elevatetest.Product{{RemoteProductID: product, Title: "Safety"}},
	})
	if err != nil {
		return nil, err
	}
	events, err := notifiedtest.New(notifiedtest.Config{
		Accounts: []notifiedtest.Account{
			{AuthCode: o.notifiedAuthCode, Credentials: o.notifiedCredentials, Area: area},
		},
		Shows: []notifiedtest.Show{{Key: show, Area: area, Packages: []notifiedtest.Package{
			{Key: pkg, Name: "full", AddOns: []notifiedtest.AddOn{{Key: gala}, {Key: workshop}}},
		}}},
	})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(
		events.AddUser(area, notifiedtest.User{ID: member}), events.Register(member, show, "full"),
	); err != nil {
		return nil, err
	}
	atElevate, atNotified := httptest.NewServer(learning), httptest.NewServer(events)
	end = func() { atElevate.Close(); atNotified.Close() }

	o.elevateEndpoint, o.elevateProfile = atElevate.URL+"/api/registration", guessed
	o.elevateReport, o.elevateReportKey = atElevate.URL+"/api/reports/", o.elevateKey
	o.elevateProducts = product + ",course-102"
	o.notifiedURL, o.notifiedShow, o.notifiedPackage = atNotified.URL+"/scripts/Server.nxp", show, pkg
	o.notifiedAddOns, o.notifiedUser = "9985,10342", member
	if err := o.buy(ctx); err != nil {
		end()
		return nil, err
	}
	return end, nil
}

// buy registers somebody for a course and adds the gala, so that there is
// something to see.
func (o *options) buy(ctx context.Context) error {
	learning, err := o.elevateClient()
	if err != nil {
		return err
	}
	defer learning.CloseIdleConnections()
	events, err := o.notifiedClient()
	if err != nil {
		return err
	}
	defer events.CloseIdleConnections()
	if _, err := learning.Give(ctx, amsbridge.Grant{
		Key:  "k1",
		User: amsbridge.User{ID: amsbridge.UserID(o.notifiedUser), FirstName: "Ada", LastName: "Byron", Email: "ada@example.org"},
		Item: amsbridge.Item{RemoteProductID: "course-101"},
	}); err != nil {
		return err
	}
	person := notified.Person{UserID: amsbridge.UserID(o.notifiedUser)}
	_, err = events.AddAddOns(ctx, person, o.notifiedShow, 9985)
	return err
}
