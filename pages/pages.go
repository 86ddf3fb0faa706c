// Package pages says how the pages look that members see for a moment: on the way
// to a platform, while a registration is not finished, before a cart changes.
// A [Config] is part of the configurations of handoff, cartlink and ssoverify;
// this package writes no page itself.
package pages

import "html/template"

// Config says how the pages look. They work without JavaScript. The zero value
// is a plain page in English, in the reader's light or dark setting.
type Config struct {
	// Lang is the language of the pages' texts, which are English. Defaults to
	// "en".
	Lang string
	// Stylesheet is the path of a style sheet of the shop's own, such as
	// "/shop.css"; the Content-Security-Policy allows those of the same origin.
	// Defaults to none.
	Stylesheet string
	// Template writes whole pages in the shop's own look. It is executed with a
	// [Page], whose Style and Script are the only ones inline that the
	// Content-Security-Policy allows. It allows no images: a logo is inline SVG.
	// Defaults to a plain page.
	Template *template.Template
}

// Page is what a page's template is given.
type Page struct {
	// Name says which page it is: "handoff", "waiting", "problem", "signout",
	// "cart", "onward".
	Name string
	// Lang and Stylesheet are those of the [Config].
	Lang, Stylesheet string
	Title            string
	// Text is a list of paragraphs.
	Text []string
	// Refresh is after how many seconds the page loads itself again, or zero. It
	// goes as a header.
	Refresh int
	// Next is where the page goes on by itself, at once: a path of this site, or
	// empty.
	Next string
	// Form is sent by its button, or nil.
	Form *Form
	// Links lead on.
	Links []Link
	// Style is the default style. Script is empty, or sends the form.
	Style  template.CSS
	Script template.JS
}

// Form is a form of hidden fields and a button, sent by POST.
type Form struct {
	Action string
	Fields []Field
	Button string
}

// Field is a hidden field.
type Field struct{ Name, Value string }

// Link is a link of a page.
type Link struct{ URL, Text string }
