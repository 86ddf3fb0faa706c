// Package prometheus exports the outbox's state to Prometheus: what waits and for how long, which
// destinations are stopped, the outcomes of deliveries, and alarms. It is a module of its own, so that
// a shop without Prometheus does not build it. The client's own package has the same name: import one
// of the two under another.
//
//	amsbridge_outbox_messages{destination, state}        gauge: pending (in flight included), parked
//	amsbridge_outbox_in_flight{destination}              gauge: pending messages that a sender has in flight
//	amsbridge_outbox_oldest_pending_seconds{destination} gauge: how long the oldest pending message has waited; 0 for none
//	amsbridge_outbox_shut_destinations{destination, by}  gauge: destinations that nothing is sent to but probes, by what shut
//	                                                     them: refusal, operator, platform asked, breaker;
//	                                                     of everything: operator, another installation
//	amsbridge_outbox_open_tasks                          gauge: tasks of orders that nobody marked done; 1,000 stands for more
//	amsbridge_outbox_readable                            gauge: 1 when the store answered this scrape, or 0
//	amsbridge_delivery_seconds{destination, outcome}     histogram: deliveries by what they came to
//	amsbridge_alarms_total{destination, kind}            counter: alarms, by outbox.AlarmKind; an order's task has no destination
//
// The first six are read from the store at each scrape and are the same in every program: scraping one
// of them is enough. The last two count what this program did since it started.
//
// No metric holds a person, an order, a key, a credential or a platform's text: labels are
// destinations' names, and words from fixed lists.
package prometheus
