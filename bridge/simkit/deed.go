package simkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// Deed is what a fault does with a request. The ones here cover most; a
// simulator or test may write its own from the methods of [Exchange].
type Deed func(*Exchange)

// Answer is a whole reply.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Exchange is one request that a fault has taken.
type Exchange struct {
	Request *http.Request
	w       http.ResponseWriter
	next    http.Handler
}

// Pass lets the cloud answer as if nothing were wrong.
func (e *Exchange) Pass() { e.next.ServeHTTP(e.w, e.Request) }

// Work lets the cloud do its work and keeps the answer back.
func (e *Exchange) Work() *Answer {
	k := &keeper{answer: Answer{Header: http.Header{}}}
	e.next.ServeHTTP(k, e.Request)
	if k.answer.Status == 0 {
		k.answer.Status = http.StatusOK
	}
	return &k.answer
}

// Send sends an answer.
func (e *Exchange) Send(a *Answer) { e.send(a, len(a.Body)) }

// Cut closes the connection without an answer. It does not return.
func (e *Exchange) Cut() { panic(http.ErrAbortHandler) }

// CutAt sends the status line, the headers and n bytes of the body, then closes
// the connection. It does not return.
func (e *Exchange) CutAt(a *Answer, n int) {
	e.send(a, min(n, len(a.Body)))
	_ = http.NewResponseController(e.w).Flush()
	e.Cut()
}

// Wait waits for d, or for the client to leave (then false).
func (e *Exchange) Wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-e.Request.Context().Done():
		return false
	}
}

func (e *Exchange) send(a *Answer, n int) {
	maps.Copy(e.w.Header(), a.Header)
	bodiless := a.Status == http.StatusNoContent || a.Status == http.StatusNotModified
	if !bodiless {
		e.w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	e.w.WriteHeader(a.Status)
	if !bodiless {
		_, _ = e.w.Write(a.Body[:n])
	}
}

// keeper is the writer behind Work.
type keeper struct{ answer Answer }

func (k *keeper) Header() http.Header { return k.answer.Header }
func (k *keeper) WriteHeader(status int) {
	if k.answer.Status == 0 {
		k.answer.Status = status
	}
}
func (k *keeper) Write(b []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	k.answer.Body = append(k.answer.Body, b...)
	return len(b), nil
}

// DropBefore closes the connection; nothing is done.
func DropBefore(e *Exchange) { e.Cut() }

// DropAfter does the work, then closes the connection without an answer.
func DropAfter(e *Exchange) { e.Work(); e.Cut() }

// CutAt does the work, sends the headers and n bytes of the body, then closes
// the connection: 0 is "after the headers".
func CutAt(n int) Deed { return func(e *Exchange) { e.CutAt(e.Work(), n) } }

// Status answers without doing the work. Pairs are header names and values.
func Status(status int, contentType, body string, pairs ...string) Deed {
	return func(e *Exchange) { e.Send(made(status, contentType, body, pairs)) }
}

// StatusAfter does the work and then answers otherwise: the door has moved, the
// caller hears 503.
func StatusAfter(status int, contentType, body string, pairs ...string) Deed {
	return func(e *Exchange) { e.Work(); e.Send(made(status, contentType, body, pairs)) }
}

// HTML answers with a gateway's error page.
func HTML(status int) Deed {
	return Status(status, "text/html", fmt.Sprintf("<html><body><h1>%d %s</h1></body></html>", status, http.StatusText(status)))
}

// Slow waits before it goes on with then; nil answers as usual. If the client
// leaves meanwhile, nothing is done.
func Slow(d time.Duration, then Deed) Deed {
	return func(e *Exchange) {
		if !e.Wait(d) {
			e.Cut()
		}
		goOn(e, then)
	}
}

// Trickle does the work and sends half of the body at once and the rest after d.
func Trickle(d time.Duration) Deed {
	return func(e *Exchange) {
		a := e.Work()
		half := len(a.Body) / 2
		e.send(a, half)
		_ = http.NewResponseController(e.w).Flush()
		if !e.Wait(d) {
			e.Cut()
		}
		_, _ = e.w.Write(a.Body[half:])
	}
}

// Hold waits until release is closed, then goes on as Slow does.
func Hold(release <-chan struct{}, then Deed) Deed {
	return func(e *Exchange) {
		select {
		case <-release:
		case <-e.Request.Context().Done():
			e.Cut()
		}
		goOn(e, then)
	}
}

func goOn(e *Exchange, then Deed) {
	if then == nil {
		then = (*Exchange).Pass
	}
	then(e)
}

// Edit does the work and changes the answer.
func Edit(change func(*Answer)) Deed {
	return func(e *Exchange) {
		a := e.Work()
		change(a)
		e.Send(a)
	}
}

// EditJSON does the work and changes the members of an answer that is a JSON
// object; any other answer stays as it is.
func EditJSON(change func(map[string]any)) Deed {
	return Edit(func(a *Answer) {
		dec := json.NewDecoder(bytes.NewReader(a.Body))
		dec.UseNumber()
		var members map[string]any
		if dec.Decode(&members) != nil || members == nil {
			return
		}
		change(members)
		a.Body, _ = json.Marshal(members) // it was JSON a line ago
	})
}

// Without leaves a member out of the answer, such as refresh_token.
func Without(member string) Deed {
	return EditJSON(func(m map[string]any) { delete(m, member) })
}

// AsText turns a number of the answer, such as expires_in, into a string.
func AsText(member string) Deed {
	return EditJSON(func(m map[string]any) {
		if n, ok := m[member].(json.Number); ok {
			m[member] = n.String()
		}
	})
}

// Malformed does the work and sends the first half of the answer as if it were
// all of it.
func Malformed(e *Exchange) {
	a := e.Work()
	a.Body = a.Body[:len(a.Body)/2]
	e.Send(a)
}

// Huge answers with size bytes of spaces.
func Huge(size int64) Deed {
	return func(e *Exchange) {
		e.w.Header().Set("Content-Type", "application/json")
		e.w.WriteHeader(http.StatusOK)
		_, _ = io.CopyN(e.w, spaces{}, size)
	}
}

type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func made(status int, contentType, body string, pairs []string) *Answer {
	a := &Answer{Status: status, Header: http.Header{}, Body: []byte(body)}
	if contentType != "" {
		a.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		a.Header.Set(pairs[i], pairs[i+1])
	}
	return a
}
