package scenes

// All are the scenes, in the story's order.
func All() []Scene {
	return []Scene{
		{"route-a", "browse on Elevate, buy in the store, walk in", routeA},
		{"route-b", "browse and buy in the store, walk in, by keyboard alone", routeB},
		{"add-ons", "event add-ons, and a track on both platforms", addOns},
		{"not-the-learner", "the buyer is not the learner", notTheLearner},
		{"owner", "who owns the course is led into it", owner},
		{"elevate-down", "Elevate is down during the checkout, and everything arrives", elevateDown},
		{"notified-down", "Notified refuses, is down at the door, and slow", notifiedDown},
		{"sign-in-and-out", "sign-in on the way, and sign-out", signInAndOut},
		{"cart-links", "refresh and back on cart links, and links that do not work", cartLinks},
		{"two-tabs", "two tabs, one cart, one order", twoTabs},
		{"replayed", "hand-off forms sent again", replayed},
		{"strict-cookie", "cart links from another site, with SameSite=Strict", strictCookie},
		{"no-scripts", "the whole route without JavaScript", withoutScripts},
		{"staff", "what staff see, and members do not", staffPages},
		{"sandbox", "the sandboxes alone, watched and broken from their page", sandboxPage},
	}
}
