package main

import (
	"fmt"
	"io"
	"time"
)

// say prints the tour for a person to enjoy: numbered steps, then what was seen.
type say struct {
	out   io.Writer
	began time.Time
	steps int
}

func newSay(out io.Writer) *say { return &say{out: out, began: time.Now()} }

func (s *say) step(title string) {
	s.steps++
	fmt.Fprintf(s.out, "\n%2d  %s\n", s.steps, title)
}

// seen is something that went as it should.
func (s *say) seen(format string, args ...any) {
	fmt.Fprintf(s.out, "    ✓ "+format+"\n", args...)
}

// note is something to know.
func (s *say) note(format string, args ...any) {
	fmt.Fprintf(s.out, "      "+format+"\n", args...)
}

func (s *say) done() {
	fmt.Fprintf(s.out, "\nAll %d steps worked, in %s.\n", s.steps, time.Since(s.began).Round(100*time.Millisecond))
}

// goodbye tells what can be tried while everything is up.
func (s *say) goodbye(st *stage) {
	fmt.Fprintf(s.out, `
Everything stays up. Try it:

  The page            %s/
  A sign-in waits     %s/accounts/garage/login   (user %s, password admin)
  Watch the broker    mosquitto_sub -h 127.0.0.1 -p %s -t 'latchkey/#' -t 'homeassistant/#' -v
  Open the gate       mosquitto_pub -h 127.0.0.1 -p %s -t latchkey/device/gate/1ccae3a1b2c3/relay_1/set -m PRESS
  List the cameras    mosquitto_pub -h 127.0.0.1 -p %s -t latchkey/account/house/call/cameras -m '{}'
  Ring the bell       curl -X POST %s/ring

Ctrl-C takes it all down; nothing is kept.
`, st.page, st.page, garageUser, st.port(), st.port(), st.port(), st.stageDoor)
}
