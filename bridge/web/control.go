package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
)

// Control is everything on the unix socket. Who can open the socket (mode 0600)
// may do all of it.
func (s *Server) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", s.status)
	mux.HandleFunc("GET /health", s.healthz)
	if s.o.Openings != nil {
		mux.HandleFunc("GET /log", s.controlLog)
	}
	mux.HandleFunc("POST /call", s.controlCall)
	mux.HandleFunc("POST /login", s.controlLogin)
	mux.HandleFunc("POST /paste", s.controlPaste)
	mux.HandleFunc("POST /confirm", s.controlConfirm)
	mux.HandleFunc("POST /logout", s.controlLogout)
	s.controlKeys(mux)
	mux.HandleFunc("GET /doctor", func(w http.ResponseWriter, r *http.Request) { reply(w, s.o.Doctor(r.Context())) })
	return mux
}

// loginAsk is asked of /login, /paste, /confirm and /logout.
type loginAsk struct {
	Account string `json:"account"`
	Return  string `json:"return,omitempty"` // the URL that the browser ended on; "" asks for the consent page
}

// loginLine is one line of the answer of /login and /paste.
type loginLine struct {
	URL   string    `json:"url,omitempty"`
	Done  *SignedIn `json:"done,omitempty"`
	Error string    `json:"error,omitempty"`
}

func (s *Server) controlCall(w http.ResponseWriter, r *http.Request) {
	var ask CallAsk
	if read(w, r, &ask) {
		reply(w, s.o.Daemon.Call(r.Context(), "command line", ask))
	}
}

func (s *Server) controlLog(w http.ResponseWriter, r *http.Request) {
	log, err := s.o.Openings(r.Context(), r.URL.Query().Has("verify"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	reply(w, log)
}

// controlLogin answers with the URL at once, and with what became of the sign-in
// when it has ended.
func (s *Server) controlLogin(w http.ResponseWriter, r *http.Request) {
	var ask loginAsk
	if !read(w, r, &ask) {
		return
	}
	if !s.knows(ask.Account) {
		reply(w, loginLine{Error: "no account is called " + ask.Account})
		return
	}
	if s.o.Listener == nil {
		reply(w, loginLine{Error: "the web listener is off (web.listen), so no redirect can come back: use --paste"})
		return
	}
	outcome := s.waiting.next(ask.Account)
	reply(w, loginLine{URL: s.loginURL(ask.Account)})
	if http.NewResponseController(w).Flush() != nil {
		return
	}
	wait, cancel := context.WithTimeout(r.Context(), ticketLife)
	defer cancel()
	select {
	case <-wait.Done():
		reply(w, loginLine{Error: "nobody signed in within ten minutes"})
	case o := <-outcome:
		reply(w, lineOf(o.done, o.err))
	}
}

// controlPaste: the person opens the URL on any machine and brings back where the
// browser ended, which may be an address that cannot be reached.
func (s *Server) controlPaste(w http.ResponseWriter, r *http.Request) {
	var ask loginAsk
	if !read(w, r, &ask) {
		return
	}
	if ask.Return == "" {
		consent, err := s.o.SignIn.Begin(ask.Account, "")
		line := lineOf(SignedIn{}, err)
		if err == nil {
			line = loginLine{URL: consent}
		}
		reply(w, line)
		return
	}
	reply(w, lineOf(s.o.SignIn.Finish(context.WithoutCancel(r.Context()), ask.Account, ask.Return, "")))
}

func (s *Server) controlConfirm(w http.ResponseWriter, r *http.Request) {
	var ask loginAsk
	if read(w, r, &ask) {
		err := s.o.SignIn.Confirm(r.Context(), ask.Account)
		reply(w, lineOf(SignedIn{Account: ask.Account, Message: "the new sign-in is in use"}, err))
	}
}

func (s *Server) controlLogout(w http.ResponseWriter, r *http.Request) {
	var ask loginAsk
	if !read(w, r, &ask) {
		return
	}
	bye, err := s.o.Daemon.Logout(context.WithoutCancel(r.Context()), ask.Account)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	reply(w, bye)
}

func (s *Server) knows(account string) bool {
	for _, a := range s.o.Daemon.Status().Accounts {
		if a.ID == account {
			return true
		}
	}
	return false
}

func lineOf(done SignedIn, err error) loginLine {
	if err != nil {
		return loginLine{Error: err.Error()}
	}
	return loginLine{Done: &done}
}

func read(w http.ResponseWriter, r *http.Request, v any) bool {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		http.Error(w, "unreadable request: is the program of another version than the daemon?", http.StatusBadRequest)
		return false
	}
	return true
}

// outcomes lets `latchkey login` wait for what the browser does.
type outcomes struct {
	mu      sync.Mutex
	waiting map[string]chan outcome // by account, the last one to ask
}

type outcome struct {
	done SignedIn
	err  error
}

var errReplaced = errors.New("another `latchkey login` for this account has been started")

func (o *outcomes) next(account string) <-chan outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting == nil {
		o.waiting = map[string]chan outcome{}
	}
	if before := o.waiting[account]; before != nil {
		before <- outcome{err: errReplaced}
	}
	ch := make(chan outcome, 1) // one outcome each: never blocks
	o.waiting[account] = ch
	return ch
}

func (o *outcomes) tell(done SignedIn, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if ch := o.waiting[done.Account]; ch != nil {
		ch <- outcome{done, err}
		delete(o.waiting, done.Account)
	}
}
