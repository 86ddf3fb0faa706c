package notified

import (
	"fmt"
	"strings"
)

// The turns that scenes consist of.
var (
	bothAdded     = called(api("M", "0", "OK", counting("2")))
	oneAdded      = called(api("M", "0", "OK", counting("1")))
	threeAdded    = called(api("M", "0", "OK", counting("3")))
	bothThere     = called(api("A", "0", "OK", row{{"AddOnItemKey", "10342"}}, row{{"AddOnItemKey", "1"}}, row{{"AddOnItemKey", "9985"}}))
	oneThere      = called(api("A", "0", "OK", row{{"AddOnItemKey", "9985"}}, row{{"AddOnItemKey", "99851"}}))
	noneThere     = called(api("A", "0", "OK"))
	wrongName     = called(api("A", "0", "OK", row{{"ItemKey", "9985"}}))
	notRegistered = called(api("K", "72", "User Not Registered!"))
	itsPackage    = called(api("K", "0", "OK", row{{"ShowPackageKey", "7"}}))
	otherPackage  = called(api("K", "0", "OK", row{{"ShowPackageKey", "5"}}))
	registered    = called(api("R", "0", "OK"))
	already       = called(api("R", "44", "Already Registered!"))
	upserted      = called(api("C", "0", "OK"))
	bothRemoved   = called(api("N", "0", "OK", row{{"AddOnsRemoved", "2"}}))
	oneRemoved    = called(api("N", "0", "OK", row{{"AddOnsRemoved", "1"}}))
	throttled     = answered{status: 429}
	credentials   = answered{reply: &reply{failed: "CallFailed", diagnostic: "Invalid API Credentials Supplied!"}}
)

// chained is a reply to CrM in which these opcodes ran.
func chained(codes string, ops ...opResult) turn {
	r := reply{result: "0", diagnostic: "OK", processed: fmt.Sprint(len(ops)), inError: "0", ops: ops}
	if len(ops) > 0 && ops[len(ops)-1].status != "0" {
		r.inError = "1"
	}
	return turn{codes, answered{reply: &r}}
}

func done(code string, rows ...row) opResult {
	return opResult{code: code, status: "0", message: "OK", rows: rows}
}

func adding(turns ...turn) scene { return scene{turns: turns} }

func addingBy(a answered) scene { return adding(turn{"M", a}) }

func removing(turns ...turn) scene { return scene{turns: turns, take: true} }

// registering returns a scene whose item brings the registration by package 7, and ending one where it
// is taken back.
func registering(turns ...turn) scene { return scene{turns: turns, pkg: 7} }

func ending(turns ...turn) scene { return scene{turns: turns, pkg: 7, take: true} }

func (s scene) but(change func(*scene)) scene {
	change(&s)
	return s
}

func (s scene) with(change func(*Config)) scene {
	s.config = change
	return s
}

func upsert(c *Config) { c.UpsertProfile = true }
func move(c *Config)   { c.MoveToPackage = true }
func both(c *Config)   { c.UpsertProfile, c.MoveToPackage = true, true }

func withoutKeys(s *scene)  { s.noKeys = true }
func withoutEmail(s *scene) { s.noEmail = true }

// but returns a scene with a changed reply; unchanged, it says that both add-ons were added.
func but(change func(*reply)) scene {
	a := api("M", "0", "OK", counting("2"))
	change(a.reply)
	return addingBy(a)
}

var outcomeRows = map[string]scene{
	"Status 0, both added": adding(bothAdded),
	"Status 0, no count":   addingBy(api("M", "0", "OK")),
	"Status 71":            addingBy(api("M", "71", "User Not Found!")),
	"Status 72":            addingBy(api("M", "72", "User Not Registered!")),
	"Status 51":            addingBy(api("M", "51", "Event Not Found!")),
	"Status 76":            addingBy(api("M", "76", "Display Item Missing!")),
	"Any other status":     addingBy(api("M", "12345", "Something New!")),

	"One added; A: both there":            adding(oneAdded, bothThere),
	"Three added; A: both there":          adding(threeAdded, bothThere),
	"One added; A: one there":             adding(oneAdded, oneThere),
	"Three added; A: none there":          adding(threeAdded, noneThere),
	"One added; A: rows without the key":  adding(oneAdded, wrongName),
	"One added; A: refused":               adding(oneAdded, called(api("A", "51", "Event Not Found!"))),
	"One added; A: 71 or 72":              adding(oneAdded, called(api("A", "72", "User Not Registered!"))),
	"One added; A: HTTP 429":              adding(oneAdded, turn{"A", throttled}),
	"One added; A: HTTP 503":              adding(oneAdded, turn{"A", answered{status: 503}}),
	"One added; A: credentials refused":   adding(oneAdded, turn{"A", credentials}),
	"One added; A: no answer":             adding(oneAdded, turn{"A", answered{cut: true}}),
	"One added; A: what cannot be read":   adding(oneAdded, turn{"A", answered{body: "<html>Sign in</html>"}}),
	"One added; A: another opcode's rows": adding(oneAdded, turn{"A", api("K", "0", "OK")}),

	"K: 72; R: registered; both added":             registering(notRegistered, registered, bothAdded),
	"K: 72; R: registered; no add-ons to add":      registering(notRegistered, registered).but(withoutKeys),
	"K: the package; both added":                   registering(itsPackage, bothAdded),
	"K: the package; no add-ons to add":            registering(itsPackage).but(withoutKeys),
	"K: the package; one added; A: both there":     registering(itsPackage, oneAdded, bothThere),
	"K: another package":                           registering(otherPackage),
	"K: 71":                                        registering(called(api("K", "71", "User Not Found!"))),
	"K: any other status":                          registering(called(api("K", "51", "Event Not Found!"))),
	"K: no package":                                registering(called(api("K", "0", "OK"))),
	"K: no answer":                                 registering(turn{"K", answered{cut: true}}),
	"K: 72; R: 71":                                 registering(notRegistered, called(api("R", "71", "User Not Found!"))),
	"K: 72; R: any other status":                   registering(notRegistered, called(api("R", "12345", "Event Full!"))),
	"K: 72; R: no answer":                          registering(notRegistered, turn{"R", answered{cut: true}}),
	"K: 72; R: 44; K: the package; both added":     registering(notRegistered, already, itsPackage, bothAdded),
	"K: 72; R: 44; K: the package; none to add":    registering(notRegistered, already, itsPackage).but(withoutKeys),
	"K: 72; R: 44; K: another package":             registering(notRegistered, already, otherPackage),
	"K: 72; R: 44; K: 72":                          registering(notRegistered, already, notRegistered),
	"K: 72; R: registered; status 72":              registering(notRegistered, registered, called(api("M", "72", "User Not Registered!"))),
	"K: 72; R: registered; HTTP 429":               registering(notRegistered, registered, turn{"M", throttled}),
	"UpsertProfile; C: done; K: the package; both": registering(upserted, itsPackage, bothAdded).with(upsert),
	"UpsertProfile; C: done; K: another package":   registering(upserted, otherPackage).with(upsert),
	"UpsertProfile; C: any status but 0":           registering(called(api("C", "12345", "Bad Name!"))).with(upsert),
	"UpsertProfile; no e-mail in the message":      registering().with(upsert).but(withoutEmail),
	"MoveToPackage; r: done; both added":           registering(called(api("r", "0", "OK")), bothAdded).with(move),
	"MoveToPackage; r: done; no add-ons to add":    registering(called(api("r", "0", "OK"))).with(move).but(withoutKeys),
	"MoveToPackage; r: done; M: any other status":  registering(called(api("r", "0", "OK")), called(api("M", "12345", "Something New!"))).with(move),
	"MoveToPackage; r: 44":                         registering(called(api("r", "44", "Already Registered!"))).with(move),
	"Both; CrM: done, both added":                  registering(chained("CrM", done("C"), done("r"), done("M", counting("2")))).with(both),
	"Both; CrM: done, one added; A: both there":    registering(chained("CrM", done("C"), done("r"), done("M", counting("1"))), bothThere).with(both),
	"Both; Cr: done, no add-ons to add":            registering(chained("Cr", done("C"), done("r"))).with(both).but(withoutKeys),
	"Both; CrM: stopped at r":                      registering(chained("CrM", done("C"), opResult{code: "r", status: "12345", message: "Event Full!"})).with(both),
	"Both; CrM: stopped after r, without a status": registering(chained("CrM", done("C"), done("r"))).with(both),
	"LookupByEmail; no e-mail in the message":      adding().with(func(c *Config) { c.LookupByEmail = true }).but(withoutEmail),

	"N: both removed":                    removing(bothRemoved),
	"N: one removed; A: none there":      removing(oneRemoved, noneThere),
	"N: one removed; A: one still there": removing(oneRemoved, oneThere),
	"N: no count; A: none there":         removing(called(api("N", "0", "OK")), noneThere),
	"N: no count; A: both still there":   removing(called(api("N", "0", "OK")), bothThere),
	"N: one removed; A: refused":         removing(oneRemoved, called(api("A", "51", "Event Not Found!"))),
	"N: one removed; A: no answer":       removing(oneRemoved, turn{"A", answered{cut: true}}),
	"N: 72":                              removing(called(api("N", "72", "User Not Registered!"))),
	"N: 71":                              removing(called(api("N", "71", "User Not Found!"))),
	"N: any other status":                removing(called(api("N", "12345", "Something New!"))),
	"N: status 0, and it says otherwise": removing(turn{"N", answered{reply: &reply{result: "7", diagnostic: "OK", processed: "1", inError: "0", ops: []opResult{done("N", row{{"AddOnsRemoved", "2"}})}}}}),
	"N: no answer":                       removing(turn{"N", answered{cut: true}}),

	"A registration too; N: both removed":               ending(bothRemoved),
	"A registration too; N: one removed; A: none there": ending(oneRemoved, noneThere),
	"A registration too; N: 72":                         ending(called(api("N", "72", "User Not Registered!"))),
	"A registration too; N: any other status":           ending(called(api("N", "12345", "Something New!"))),
	"A registration alone":                              ending().but(withoutKeys),

	"CallFailed, with a word about credentials":                         addingBy(credentials),
	"APIStatus, with a word about credentials":                          addingBy(answered{body: `<APIStatus Code="5" Diag="Invalid API Credentials Supplied!"/>`}),
	"APIStatus, with other words":                                       addingBy(answered{body: `<APIStatus Code="5" Diag="Database down"/>`}),
	"CallFailed, with other words":                                      addingBy(answered{reply: &reply{failed: "CallFailed", diagnostic: "Database down"}}),
	"APICallResult not 0, no opcode run, with a word about credentials": addingBy(answered{reply: &reply{result: "3", diagnostic: "Invalid API Credentials", processed: "0", inError: "0"}}),
	"APICallResult not 0, no opcode run, with other words":              addingBy(answered{reply: &reply{result: "7", diagnostic: "Bad Call!", processed: "0", inError: "0"}}),
	"Status 0, APICallResult not 0":                                     but(func(r *reply) { r.result = "7" }),
	"Status 0, none processed":                                          but(func(r *reply) { r.processed = "0" }),
	"Status 0, one opcode in error":                                     but(func(r *reply) { r.inError = "1" }),
	"No APICallResult":                                                  but(func(r *reply) { r.result = "" }),
	"No status":                                                         but(func(r *reply) { r.ops[0].status = "" }),
	"No opcode run, APICallResult 0":                                    but(func(r *reply) { r.ops, r.processed = nil, "0" }),
	"Another opcode":                                                    but(func(r *reply) { r.ops[0].code = "I" }),
	"Another opcode, then M":                                            but(func(r *reply) { r.ops = append([]opResult{{code: "I", status: "0"}}, r.ops...) }),
	"A login page, status 200":                                          addingBy(answered{body: "<!DOCTYPE html><html><body>Sign in</body></html>"}),
	"Nothing, status 200":                                               addingBy(answered{}),
	"More than MaxBody, status 200":                                     addingBy(answered{body: strings.Repeat(" ", defaultMaxBody+1)}),
	"Half of it, the connection still good":                             addingBy(answered{reply: bothAdded.reply, half: true}),
	"Half of it, then the connection cut":                               addingBy(answered{reply: bothAdded.reply, half: true, cut: true}),
	"HTTP 401":                                                          addingBy(answered{status: 401}),
	"HTTP 403":                                                          addingBy(answered{status: 403}),
	"HTTP 429":                                                          addingBy(throttled),
	"HTTP 408, 425, 500, 502 or 503":                                    addingBy(answered{status: 503}),
	"HTTP 504":                                                          addingBy(answered{status: 504}),
	"HTTP 404, 405, 406, 410, 415, 421 or 426":                          addingBy(answered{status: 404}),
	"Any other HTTP 4xx":                                                addingBy(answered{status: 409}),
	"Any other HTTP 4xx, with a web page":                               addingBy(answered{status: 400, body: "<html>Not acceptable!"}),
	"In XML, whatever was asked for":                                    addingBy(answered{body: write(FormatXML, *bothAdded.reply)}),
	"In H, whatever was asked for":                                      addingBy(answered{body: write(FormatPairs, *bothAdded.reply)}),
	"In T, whatever was asked for":                                      addingBy(answered{body: write(FormatText, *bothAdded.reply)}),
	"In XML that says ISO-8859-1, and is":                               addingBy(answered{body: `<?xml version="1.0" encoding="ISO-8859-1"?>` + strings.Replace(write(FormatXML, *bothAdded.reply), `Message="OK"`, "Message=\"Fa\xe7ade\"", 1)}),
	"In XML that says UTF-16, and is UTF-8":                             addingBy(answered{body: `<?xml version="1.0" encoding="utf-16"?>` + write(FormatXML, *bothAdded.reply)}),
	"Status 00":                                                         but(func(r *reply) { r.ops[0].status = "00" }),
	"Status -0":                                                         but(func(r *reply) { r.ops[0].status = "-0" }),
	"Status 071":                                                        but(func(r *reply) { r.ops[0].status = "071" }),
	"Status 0, no OpCodesInError":                                       but(func(r *reply) { r.inError = "" }),
	"Status 0, no OpCodesProcessed":                                     but(func(r *reply) { r.processed = "" }),
	"Status 0, OpCodesInError is no number":                             but(func(r *reply) { r.inError = "none" }),
	"HTTP 3xx":                                                          addingBy(answered{status: 302}),
	"No answer, the connection cut":                                     addingBy(answered{cut: true}),
	"No connection":                                                     {absent: true},
}
