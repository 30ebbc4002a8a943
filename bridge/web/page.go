package web

import (
	"embed"
	"net/http"
	"time"

	"latchkey/bridge"
)

//go:embed style.css icon.svg
var files embed.FS

// notice is a page that says one thing.
type notice struct {
	Title, Text string
	Type        string // a command to type
	Back        bool   // a link to the page
}

func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	if !s.mayEnter(r) {
		send(w, http.StatusUnauthorized, view{Locked: true, Password: !s.o.Password.Empty()}.home())
		return
	}
	send(w, http.StatusOK, view{Status: s.o.Daemon.Status(), CanLeave: s.visits.has(r)}.home())
}

// view is what the page shows.
type view struct {
	Locked   bool // nobody is signed in to the page
	Password bool // and a password would open it
	CanLeave bool
	Status
}

func (s *Server) say(w http.ResponseWriter, code int, n notice) { send(w, code, n.sheet()) }

func (n notice) sheet() *sheet {
	s := &sheet{}
	s.begin("latchkey: " + n.Title)
	s.add(`</header>
<main><section class="card">
<h2>%s</h2>
<p>%s</p>
`, n.Title, n.Text)
	if n.Type != "" {
		s.add("<pre>%s</pre>\n", n.Type)
	}
	if n.Back {
		s.add(`<p><a class="button" href="/">To the page</a></p>` + "\n")
	}
	s.add("</section>")
	s.end()
	return s
}

func send(w http.ResponseWriter, code int, s *sheet) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = s.WriteTo(w)
}

// file serves one that is embedded.
func file(name, contentType string) http.HandlerFunc {
	content, _ := files.ReadFile(name) // cannot fail
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(content)
	}
}

func when(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Local().Format("2 Jan 2006 15:04:05")
}

// tokenWords say a token state to a person.
func tokenWords(h bridge.Health) string {
	switch h.State {
	case bridge.Valid:
		return "works"
	case bridge.Retrying:
		return "works, but cannot be renewed right now"
	case bridge.Expired:
		return "has run out, renewing is being tried"
	case bridge.LoginNeeded:
		return "ended: the vendor wants a new sign-in"
	case bridge.Misconfigured:
		return "the vendor refuses the client id or secret"
	case bridge.SignedOut:
		return "not signed in"
	}
	return string(h.State)
}

// todoWords say a user action to a person.
func todoWords(a bridge.UserAction) string {
	switch a {
	case bridge.ActionLogin:
		return "Please sign in."
	case bridge.ActionCheckClient:
		return "Check client_id and client_secret in the configuration."
	case bridge.ActionCheckClock:
		return "Check the clock of this machine."
	case bridge.ActionCheckDisk:
		return "Check the disk: a new token cannot be saved."
	case bridge.ActionCheckKey:
		return "Check the key file of the store."
	}
	return ""
}

// shown leaves out what has no value worth a line.
func shown(e EntityStatus) bool {
	return e.Value != "" && e.Kind != bridge.Button && e.Kind != bridge.Event && e.Kind != bridge.ImageKind
}
