package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// streamMost is how many browsers may follow the events at once.
const streamMost = 16

func (s *Server) status(w http.ResponseWriter, _ *http.Request) { reply(w, s.o.Daemon.Status()) }

// events sends the status whenever it has changed, as server-sent events. It
// looks once a second: the page of one home, not a stock exchange.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	if s.streams.Add(1) > streamMost {
		s.streams.Add(-1)
		http.Error(w, "too many followers", http.StatusServiceUnavailable)
		return
	}
	defer s.streams.Add(-1)
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var last []byte
	for {
		now, err := json.Marshal(s.o.Daemon.Status())
		if err != nil {
			return
		}
		if !bytes.Equal(now, last) {
			last = now
			if _, err := fmt.Fprintf(w, "event: status\ndata: %s\n\n", now); err != nil || out.Flush() != nil {
				return
			}
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// healthz is liveness alone: it answers while the daemon's handlers run. Broker or
// vendor trouble must not make anybody restart latchkey.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	_, _ = fmt.Fprintln(w, "ok")
}

// readyz tells whether commands can come in.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if !s.o.Daemon.Status().MQTT.Open {
		http.Error(w, "not connected to the broker", http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, "ok")
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the other side has gone: nobody to tell
}
