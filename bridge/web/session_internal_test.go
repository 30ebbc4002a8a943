package web

import (
	"testing"
	"testing/synctest"
	"time"
)

// A ticket opens one sign-in, once, for ten minutes.
func TestTickets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newTickets()
		late, timely := all.issue("gate"), all.issue("gate")
		time.Sleep(10*time.Minute - time.Second)
		if all.take(timely, "yard") || !all.take(timely, "gate") || all.take(timely, "gate") {
			t.Error("want the ticket to be good once, for its account alone")
		}
		time.Sleep(time.Second)
		if all.take(late, "gate") || all.take("", "gate") {
			t.Error("a ticket is good for more than ten minutes")
		}
		first := all.issue("gate")
		for range 2 * ticketMost {
			time.Sleep(time.Millisecond)
			all.issue("gate")
		}
		if len(all.open) > ticketMost || all.take(first, "gate") {
			t.Errorf("%d tickets are open, want %d at most and the oldest gone", len(all.open), ticketMost)
		}
	})
}
