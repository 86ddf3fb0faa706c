// Package pages configures the look of the pages that members see for a moment: on the way to a
// platform, while a registration is not finished, before a cart changes. A [Config] is part of the
// configurations of handoff, cartlink and ssoverify; this package writes no page itself.
package pages

import "html/template"

// Config configures the look of the pages. They work without JavaScript. The zero value is a plain page
// in English that follows the reader's light or dark setting.
type Config struct {
	// Lang is the language of the pages' texts, which are English. Defaults to
	// "en".
	Lang string
	// Stylesheet is the path of the shop's own style sheet, such as "/shop.css"; the
	// Content-Security-Policy allows only the same origin. Defaults to none.
	Stylesheet string
	// Template writes whole pages in the shop's own look. It is executed with a [Page]. The
	// Content-Security-Policy allows no inline style or script but the page's Style and Script, and no
	// images: a logo must be inline SVG. Defaults to a plain page.
	Template *template.Template
}

// Page is the data that a template is executed with.
type Page struct {
	// Name says which page it is: "handoff", "waiting", "problem", "signout",
	// "cart", "onward".
	Name string
	// Lang and Stylesheet are those of the [Config].
	Lang, Stylesheet string
	Title            string
	// Text is a list of paragraphs.
	Text []string
	// Refresh is after how many seconds the page reloads, or zero. It is sent as a header.
	Refresh int
	// Next is a path of this site to which the page goes on at once by itself, or empty.
	Next string
	// Form is a form of the page, or nil.
	Form *Form
	// Links are the page's links to other pages.
	Links []Link
	// Style is the default style. Script is empty, or submits the form.
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
