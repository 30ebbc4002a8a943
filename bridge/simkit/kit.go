package simkit

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// Sim is one simulated cloud. A simulator embeds *[Kit] and adds Handler.
type Sim interface {
	// Name is the vendor's kind, as in `vendor:`.
	Name() string
	// Handler serves the whole cloud: sign-in pages, token endpoint and API.
	Handler() http.Handler
	// Shared gives the parts that every simulator has.
	Shared() *Kit
}

// Kit is the part of a simulator that is the same for all.
type Kit struct {
	Issuer *Issuer
	Faults *Faults
	Log    *Log
	name   string
}

// New makes the kit of the simulator called name.
func New(name string, rules Rules) *Kit {
	return &Kit{Issuer: NewIssuer(rules), Faults: &Faults{}, Log: newLog(), name: name}
}

// Name is the vendor's kind.
func (k *Kit) Name() string { return k.name }

// Shared is the kit itself.
func (k *Kit) Shared() *Kit { return k }

// maxBody is the largest request body that is read; a larger one is answered 413.
const maxBody = 1 << 20

// Wrap puts log and faults around the cloud's handler. The request's body is
// read whole first, so that the log has it and a client that leaves is noticed.
func (k *Kit) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			status := http.StatusBadRequest
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				status = http.StatusRequestEntityTooLarge
			}
			http.Error(w, http.StatusText(status), status)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		rec := &recorder{ResponseWriter: w}
		done := k.Log.add(r, body)
		defer func() { done(rec.status) }()
		if deed := k.Faults.take(r, body); deed != nil {
			deed(&Exchange{Request: r, w: rec, next: next})
			return
		}
		next.ServeHTTP(rec, r)
	})
}

// Base is the URL that a request was sent to, without path: what absolute links
// in replies start with.
func Base(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
